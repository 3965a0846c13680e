import { createElement, useEffect, useState } from "react";

// Counts down from `seconds` each time `code` changes, and draws the ring of what is left of `total`. At the end: `onEnd`.
export function Countdown({ seconds, total, code, label, onEnd }) {
  const [left, setLeft] = useState(seconds);
  useEffect(() => {
    const end = Date.now() + seconds * 1000;
    let timer;
    const tick = () => {
      const now = Math.max(0, Math.round((end - Date.now()) / 1000));
      setLeft(now);
      if (now === 0 && timer) {
        clearInterval(timer);
        onEnd?.();
      }
    };
    tick();
    timer = setInterval(tick, 500);
    return () => clearInterval(timer);
  }, [seconds, code]);
  const around = 2 * Math.PI * 8;
  const ring = (className, dash) =>
    createElement("circle", { cx: 10, cy: 10, r: 8, fill: "none", strokeWidth: 2.5, className, ...dash });
  return createElement(
    "span",
    { className: "countdown" },
    createElement(
      "svg",
      { width: 20, height: 20, viewBox: "0 0 20 20", "aria-hidden": true },
      ring("countdown-track"),
      ring("countdown-left", {
        strokeDasharray: `${(around * left) / (total || 1)} ${around}`,
        transform: "rotate(-90 10 10)",
        strokeLinecap: "round",
      }),
    ),
    createElement("span", null, label, " ", createElement("b", null, `${left} s`)),
  );
}
