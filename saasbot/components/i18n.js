// The reader's language, kept in the browser so that switching it costs no round trip.
// Order: the person's choice (cookie), what the browser prefers, Spanish. The server negotiates in the same order.
import { useSyncExternalStore } from "react";

const SUPPORTED = ["es", "en"];
const DEFAULT = "es";
const listeners = new Set();
let current;

const read = () => {
  const cookie = document.cookie.split("; ").find((part) => part.startsWith("locale="));
  const chosen = cookie?.slice("locale=".length);
  if (SUPPORTED.includes(chosen)) return chosen;
  const wanted = (navigator.languages ?? []).map((tag) => tag.slice(0, 2).toLowerCase());
  return wanted.find((tag) => SUPPORTED.includes(tag)) ?? DEFAULT;
};

const subscribe = (listener) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};
const snapshot = () => (current ??= read());
const serverSnapshot = () => DEFAULT;

/** The language of this page: "es" or "en". */
export const useLang = () => useSyncExternalStore(subscribe, snapshot, serverSnapshot);

/** Switch the page, remember it for a year, and keep <html lang> true. */
export const setLang = (lang) => {
  if (!SUPPORTED.includes(lang)) return;
  current = lang;
  const secure = window.location.protocol === "https:" ? "; secure" : "";
  document.cookie = `locale=${lang}; path=/; max-age=31536000; samesite=lax${secure}`;
  document.documentElement.lang = lang;
  listeners.forEach((listener) => listener());
};
