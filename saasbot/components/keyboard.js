// Global keyboard shortcuts. "alt+1", "alt+j", "mod+enter" (Ctrl or ⌘) and single characters such as "?".
import { useEffect, useRef } from "react";

const typing = (target) =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

const matches = (event, keys) => {
  const parts = keys.toLowerCase().split("+");
  const key = parts.pop() || "+";
  const alt = parts.includes("alt");
  const mod = parts.includes("mod");
  if (event.altKey !== alt || (event.ctrlKey || event.metaKey) !== mod) return false;
  // With Alt many layouts type another character, so the place of the key counts.
  if (alt && /^[a-z]$/.test(key)) return event.code === `Key${key.toUpperCase()}`;
  if (alt && /^[0-9]$/.test(key)) return event.code === `Digit${key}`;
  return event.key.toLowerCase() === key;
};

/** Calls `onPress` when `keys` are pressed anywhere on the page; plain characters not while someone is typing. */
export function Shortcut({ keys, onPress }) {
  const latest = useRef(onPress);
  useEffect(() => {
    latest.current = onPress;
  });
  useEffect(() => {
    const plain = !/alt\+|mod\+/i.test(keys);
    const handle = (event) => {
      if (event.repeat || event.isComposing || !matches(event, keys)) return;
      if (plain && typing(event.target)) return;
      event.preventDefault();
      latest.current?.();
    };
    document.addEventListener("keydown", handle);
    return () => document.removeEventListener("keydown", handle);
  }, [keys]);
  return null;
}
