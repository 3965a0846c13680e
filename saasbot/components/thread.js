// The scrolling of a thread: opens at the first unread message, stays at the end while one reads there, keeps its place
// when older messages come above, and says how many came below.
import { createElement, useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";

const NEAR_END = 48;
const NEAR_TOP = 400;
const SEEN_AFTER_MS = 150;

const messagesIn = (box) => box.querySelectorAll("[data-message-id]");

export function ThreadScroller({
  conversationId,
  ready,
  marker,
  hasOlder,
  unread,
  label,
  labelOne,
  labelOther,
  onOlder,
  onSeen,
  onAgain,
  onUndo,
  children,
}) {
  const box = useRef(null);
  const inner = useRef(null);
  const seen = useRef({ conversation: "", first: "", last: "", count: 0, height: 0 });
  const atEnd = useRef(true);
  const asked = useRef("");
  const [below, setBelow] = useState(0);
  const props = useRef({});
  props.current = { conversationId, hasOlder, unread, onOlder, onSeen };

  const toEnd = useCallback((smooth) => {
    const element = box.current;
    element.scrollTo({ top: element.scrollHeight, behavior: smooth ? "smooth" : "instant" });
    atEnd.current = true;
    setBelow(0);
  }, []);

  const wantOlder = () => {
    const { conversationId: id, hasOlder: more, onOlder: ask } = props.current;
    if (more && box.current.scrollTop < NEAR_TOP && asked.current !== seen.current.first) {
      asked.current = seen.current.first; // once for what is shown now
      ask?.(id);
    }
  };

  // After every change of the messages, before it is painted: they may be drawn without this component being so.
  const settled = useRef(null);
  settled.current = () => {
    settle();
    if (ready) wantOlder();
  };
  useLayoutEffect(() => settled.current());
  useEffect(() => {
    const observer = new MutationObserver(() => settled.current());
    observer.observe(inner.current, { childList: true, subtree: true });
    return () => observer.disconnect();
  }, []);

  const settle = () => {
    const element = box.current;
    if (!ready || !element) return;
    const before = seen.current;
    const all = messagesIn(element);
    const first = all[0]?.dataset.messageId ?? "";
    const last = all[all.length - 1];
    const now = {
      conversation: conversationId,
      first,
      last: last?.dataset.messageId ?? "",
      count: all.length,
      height: element.scrollHeight,
    };
    seen.current = now;
    if (before.conversation !== conversationId) {
      asked.current = "";
      setBelow(0);
      const line = marker && element.querySelector(".new-line");
      if (line) {
        line.scrollIntoView({ block: "center", behavior: "instant" });
        atEnd.current = element.scrollHeight - element.scrollTop - element.clientHeight < NEAR_END;
      } else toEnd(false);
      return;
    }
    if (before.first !== now.first && before.first && before.last === now.last) {
      element.scrollTop += now.height - before.height; // older ones came above
      return;
    }
    if (before.last === now.last) {
      if (atEnd.current && before.height !== now.height) toEnd(false);
      return;
    }
    const ours = last?.dataset.direction === "outbound" && last?.dataset.author === "agent";
    if (atEnd.current || ours) toEnd(false);
    else setBelow((n) => n + Math.max(1, now.count - before.count));
  };

  // Pictures that arrive and a composer that grows do not move the end away.
  useEffect(() => {
    const observer = new ResizeObserver(() => {
      if (atEnd.current) box.current?.scrollTo({ top: box.current.scrollHeight, behavior: "instant" });
    });
    observer.observe(box.current);
    observer.observe(inner.current);
    return () => observer.disconnect();
  }, []);

  // Read: the newest message is on a visible screen.
  const tellSeen = useCallback(() => {
    const { conversationId: id, unread: count, onSeen: tell } = props.current;
    if (id && count > 0 && atEnd.current && document.visibilityState === "visible") tell?.(id);
  }, []);
  useEffect(() => {
    if (!ready || !unread) return undefined;
    const timer = setTimeout(tellSeen, SEEN_AFTER_MS);
    document.addEventListener("visibilitychange", tellSeen);
    return () => {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", tellSeen);
    };
  }, [ready, unread, conversationId, below, tellSeen]);

  const scroll = () => {
    const element = box.current;
    const wasAtEnd = atEnd.current;
    atEnd.current = element.scrollHeight - element.scrollTop - element.clientHeight < NEAR_END;
    if (atEnd.current && !wasAtEnd) {
      setBelow(0);
      tellSeen();
    }
    wantOlder();
  };

  // One listener for all bubbles, so that none of them is drawn again for it.
  const click = (event) => {
    const again = event.target.closest("[data-again]");
    if (again) onAgain?.(again.dataset.again);
    const undo = event.target.closest("[data-undo]");
    if (undo) onUndo?.(undo.dataset.undo);
  };

  const pill = "↓ " + (below === 1 ? labelOne : labelOther).replace("{n}", String(below));
  return createElement(
    "div",
    { className: "messages-frame" },
    createElement(
      "div",
      { ref: box, className: "messages", onScroll: scroll, onClick: click, role: "log", "aria-label": label, tabIndex: 0 },
      createElement("div", { ref: inner, className: "messages-inner" }, children),
    ),
    below > 0 && createElement("button", { type: "button", className: "new-pill", onClick: () => toEnd(true) }, pill),
  );
}
