// Initials and a stable tint for a person, from the name and a key that does not change with it.
const TINTS = 8;

const letters = (text) => [...text].filter((char) => /\p{L}|\p{N}/u.test(char));

/** "Ana Pérez" → "AP", "+54 9 11…" → "+5", "" → "". */
export const initialsOf = (name) => {
  const text = (name ?? "").trim();
  if (/^\+?\d/.test(text)) return [...text].slice(0, 2).join("");
  const words = text.split(/\s+/).map(letters).filter((word) => word.length);
  if (!words.length) return "";
  const picked = words.length > 1 ? [words[0][0], words[words.length - 1][0]] : words[0].slice(0, 2);
  return picked.join("").toLocaleUpperCase();
};

/** A class name; the same key always gets the same one. */
export const tintOf = (key) => {
  if (!key) return "avatar tint-7";
  let hash = 0;
  for (const char of String(key ?? "")) hash = (hash * 31 + char.codePointAt(0)) >>> 0;
  return `avatar tint-${hash % TINTS}`;
};
