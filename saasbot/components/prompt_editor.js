import { createElement, useEffect, useRef, useState } from "react";

// A monospace text area with line numbers and coloured {{variables}}. `text` replaces the content when `revision` changes;
// `onDraft` hears what was typed once the person pauses. Its textarea is named, so a form around it submits the text.
export function PromptEditor({ id, name, text, revision, label, readOnly, onDraft }) {
  const [value, setValue] = useState(text);
  const [top, setTop] = useState(0);
  const timer = useRef(null);
  useEffect(() => {
    clearTimeout(timer.current);
    setValue(text);
  }, [revision]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const edit = (event) => {
    const next = event.target.value;
    setValue(next);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => onDraft?.(next), 600);
  };
  const lines = value.split("\n");
  const shift = { transform: `translateY(${-top}px)` };
  const painted = value.split(/(\{\{[^{}\n]*\}\})/).map((part, index) =>
    index % 2 ? createElement("mark", { key: index }, part) : part,
  );
  return createElement(
    "div",
    { className: "editor" },
    createElement(
      "div",
      { className: "editor-gutter", "aria-hidden": true },
      createElement("div", { style: shift }, lines.map((_, index) => createElement("span", { key: index }, index + 1))),
    ),
    createElement(
      "div",
      { className: "editor-field" },
      createElement("pre", { className: "editor-paint", style: shift, "aria-hidden": true }, painted, "\n"),
      createElement("textarea", {
        id,
        name,
        value,
        readOnly,
        wrap: "off",
        spellCheck: true,
        maxLength: 20000,
        "aria-label": label,
        onChange: edit,
        onScroll: (event) => setTop(event.target.scrollTop),
      }),
    ),
  );
}
