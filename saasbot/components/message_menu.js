// The menu of a message: one for the whole thread, opened by the button on each bubble. What it shows comes from the
// bubble's data attributes, so that no bubble is drawn again for it.
import { createElement as h, useEffect, useLayoutEffect, useRef, useState } from "react";

const EDIT_MS = 15 * 60 * 1000;
const REVOKE_MS = 2 * 24 * 60 * 60 * 1000;
const ON_WHATSAPP = ["sent", "delivered", "read"];
const EMOJI = ["👍", "❤️", "😂", "😮", "😢", "🙏"];
const GAP = 6;

// A bubble of a text has the class of its text, so the tag counts too.
const said = (message) => message.querySelector("span.bubble-text")?.innerText ?? "";

/** What can be done to this message now. */
function abilities(message) {
  const { can = "", at, status, direction } = message.dataset;
  const there = direction === "inbound" || ON_WHATSAPP.includes(status);
  const age = Date.now() - Number(at);
  const able = can.split(" ").filter((what) => (what === "cancel" ? status === "queued" : what && there));
  return able.filter((what) => !(what === "edit" && age > EDIT_MS) && !(what === "revoke" && age > REVOKE_MS));
}

export function MessageMenu({ conversationId, name, labels, mayWrite, onReact, onRevoke, onCancel, onFetch }) {
  const [open, setOpen] = useState(null);
  const [asking, setAsking] = useState(false);
  const menu = useRef(null);

  const close = (refocus) => {
    if (refocus) open?.button.focus();
    setOpen(null);
    setAsking(false);
  };

  useEffect(() => {
    const click = (event) => {
      const fetched = event.target.closest("[data-fetch]");
      if (fetched) onFetch?.(conversationId, fetched.dataset.fetch);
      const button = event.target.closest("[data-menu]");
      if (!button) return;
      const message = button.closest("[data-message-id]");
      setAsking(false);
      setOpen((now) =>
        now?.button === button ? null : { button, message, able: mayWrite ? abilities(message) : [], text: said(message) },
      );
    };
    document.addEventListener("click", click);
    return () => document.removeEventListener("click", click);
  }, [conversationId, mayWrite, onFetch]);
  useEffect(() => close(false), [conversationId]);

  // Beside its button, on the screen; the first entry has the focus.
  useLayoutEffect(() => {
    if (!open || !menu.current) return undefined;
    const { offsetWidth: width, offsetHeight: height } = menu.current;
    const at = open.button.getBoundingClientRect();
    const ours = open.message.dataset.direction === "outbound";
    const left = ours ? at.right - width : at.left;
    const top = at.bottom + GAP + height > window.innerHeight ? at.top - GAP - height : at.bottom + GAP;
    menu.current.style.left = `${Math.max(GAP, Math.min(left, window.innerWidth - width - GAP))}px`;
    menu.current.style.top = `${Math.max(GAP, top)}px`;
    menu.current.querySelector("[role^=menuitem], [data-first]")?.focus({ preventScroll: true });
    const outside = (event) => {
      if (!menu.current?.contains(event.target) && !open.button.contains(event.target)) close(false);
    };
    const away = () => close(false);
    document.addEventListener("pointerdown", outside);
    window.addEventListener("resize", away);
    document.querySelector(".messages")?.addEventListener("scroll", away, { once: true, passive: true });
    open.button.setAttribute("aria-expanded", "true");
    return () => {
      document.removeEventListener("pointerdown", outside);
      window.removeEventListener("resize", away);
      document.querySelector(".messages")?.removeEventListener("scroll", away);
      open.button.setAttribute("aria-expanded", "false");
    };
  }, [open, asking]);

  if (!open) return null;
  const { message, able, text } = open;
  const id = message.dataset.messageId;
  const own = message.dataset.ownReaction ?? "";
  const who = message.dataset.direction === "inbound" ? message.dataset.speaker || name : labels.you;
  const tell = (kind) => {
    const what = text || message.querySelector(".poll-question, .bubble-card .truncate")?.innerText || labels.file;
    window.dispatchEvent(new CustomEvent("saasbot:compose", { detail: { kind, conversationId, id, who, text: what } }));
    close(false);
  };
  const react = (emoji) => {
    onReact?.(conversationId, id, emoji === own ? "" : emoji);
    close(true);
  };
  const takeBack = () => {
    onCancel?.(conversationId, id);
    close(true);
  };
  const copy = () => {
    navigator.clipboard?.writeText(text);
    close(true);
  };
  const press = (event) => {
    if (event.key === "Escape" || event.key === "Tab") {
      event.preventDefault();
      event.stopPropagation();
      return close(true);
    }
    const items = [...menu.current.querySelectorAll("[role^=menuitem], .message-ask button")];
    const here = items.indexOf(document.activeElement);
    const steps = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 };
    let next = null;
    if (event.key in steps) next = (here + steps[event.key] + items.length) % items.length;
    if (event.key === "Home") next = 0;
    if (event.key === "End") next = items.length - 1;
    if (next === null) return undefined;
    event.preventDefault();
    return items[next]?.focus();
  };
  const item = (key, label, act, more = "") =>
    h("button", { key, type: "button", role: "menuitem", tabIndex: -1, className: `message-menu-item ${more}`, "data-do": key, onClick: act }, label);

  const shown = asking
    ? h(
        "div",
        { className: "message-ask", role: "alertdialog", "aria-label": labels.askRevoke },
        h("p", null, labels.askRevoke),
        h(
          "div",
          null,
          h("button", { type: "button", className: "btn btn-secondary", "data-first": "", onClick: () => close(true) }, labels.cancel),
          h(
            "button",
            {
              type: "button",
              className: "btn btn-danger",
              "data-do": "revoke-now",
              onClick: () => {
                onRevoke?.(conversationId, id);
                close(true);
              },
            },
            labels.remove,
          ),
        ),
      )
    : h(
        "div",
        { role: "menu", "aria-label": labels.menu },
        able.includes("react") &&
          h(
            "div",
            { role: "group", "aria-label": labels.react, className: "message-menu-emoji" },
            EMOJI.map((emoji) =>
              h(
                "button",
                {
                  key: emoji,
                  type: "button",
                  role: "menuitemradio",
                  "aria-checked": emoji === own,
                  tabIndex: -1,
                  "data-emoji": emoji,
                  "aria-label": `${emoji === own ? labels.unreact : labels.react} ${emoji}`,
                  onClick: () => react(emoji),
                },
                emoji,
              ),
            ),
          ),
        own && !EMOJI.includes(own) && able.includes("react") && item("unreact", `${labels.unreact} ${own}`, () => react(own)),
        able.includes("reply") && item("reply", labels.reply, () => tell("reply")),
        text && item("copy", labels.copy, copy),
        able.includes("edit") && item("edit", labels.edit, () => tell("edit")),
        able.includes("cancel") && item("cancel", labels.cancelSending, takeBack, "message-menu-danger"),
        able.includes("revoke") && item("revoke", labels.revoke, () => setAsking(true), "message-menu-danger"),
        !able.length && !text && h("p", { className: "message-menu-none", tabIndex: -1, "data-first": "" }, labels.nothing),
      );
  return h("div", { ref: menu, className: "message-menu", onKeyDown: press }, shown);
}
