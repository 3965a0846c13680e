// The composer: grows with its text, keeps drafts, sends at once and shows what is on its way.
import { createElement as h, useEffect, useLayoutEffect, useRef, useState, useSyncExternalStore } from "react";

const DRAFT_MS = 600;
const TYPING_MS = 8000;
const LIMIT = 4096;
const COUNT_FROM = 3500;
const SEND_KEY = "composer-send-key";
const MOST_FILES = 10;

// What was sent from this browser and has not come back as a message: shown as bubbles on their way.
const listeners = new Set();
let outgoing = [];
const change = (next) => {
  outgoing = next;
  listeners.forEach((listener) => listener());
};
const subscribe = (listener) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};
const NONE = [];
const useOutgoing = () =>
  useSyncExternalStore(
    subscribe,
    () => outgoing,
    () => NONE,
  );

const newToken = () => {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
};

/** "enter" or "mod": which key sends. */
const keyListeners = new Set();
const readKey = () => (localStorage.getItem(SEND_KEY) === "mod" ? "mod" : "enter");
export const useSendKey = () =>
  useSyncExternalStore(
    (listener) => {
      keyListeners.add(listener);
      return () => keyListeners.delete(listener);
    },
    readKey,
    () => "enter",
  );
export const toggleSendKey = () => {
  localStorage.setItem(SEND_KEY, readKey() === "mod" ? "enter" : "mod");
  keyListeners.forEach((listener) => listener());
};

/** Bubbles of messages that the server does not have yet. `tokens` are those that it has. */
export function Outgoing({ conversationId, tokens, label }) {
  const all = useOutgoing();
  useEffect(() => {
    if (all.some((item) => tokens.includes(item.token))) change(all.filter((item) => !tokens.includes(item.token)));
  }, [all, tokens]);
  return all
    .filter((item) => item.conversationId === conversationId && !tokens.includes(item.token))
    .map((item) =>
      h(
        "div",
        { key: item.token, className: "message message-out message-agent message-first", "aria-busy": true },
        h(
          "div",
          { className: "bubble bubble-out" },
          item.quote ? h("div", { className: "bubble-quote" }, item.quote) : null,
          item.file ? h("p", { className: "bubble-file" }, item.file) : null,
          h("span", { className: "bubble-text" }, item.text),
          h("span", { className: "bubble-meta" }, label),
        ),
      ),
    );
}

// What each entry of the menu lets one choose, and what becomes of it.
const CHOICES = {
  media: { accept: "image/*,video/*", use: "message" },
  document: { accept: "", use: "message" },
  audio: { accept: "audio/*", use: "message" },
  "voice-file": { accept: "audio/*", use: "voice" },
  sticker: { accept: "image/*", use: "sticker" },
};
const MOST_BYTES = 100 * 1024 * 1024;
const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;

async function upload(file, csrf, use) {
  const form = new FormData();
  form.append("file", file, file.name || "file");
  const answer = await fetch(`/uploads?use=${use}`, {
    method: "POST",
    body: form,
    headers: { "X-CSRF-Token": csrf, Accept: "application/json" },
  });
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(body.detail || body.title || String(answer.status));
  return body;
}

/** The microphone: `toggle` begins and ends, `drop` throws away; what was recorded goes to `taken` as a file. */
function useRecorder(taken) {
  const [on, setOn] = useState(false);
  const [seconds, setSeconds] = useState(0);
  const [refused, setRefused] = useState(false);
  const current = useRef(null);
  const give = useRef(taken);
  give.current = taken;

  const end = (keep) => {
    const now = current.current;
    current.current = null;
    setOn(false);
    if (!now) return;
    clearInterval(now.timer);
    now.keep = keep;
    now.recorder.stop();
    now.stream.getTracks().forEach((track) => track.stop());
  };
  const begin = async () => {
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
      const recorder = new MediaRecorder(stream);
      const now = { stream, recorder, parts: [], keep: false };
      recorder.ondataavailable = (event) => now.parts.push(event.data);
      recorder.onstop = () => now.keep && give.current(new File(now.parts, "voice", { type: recorder.mimeType }));
      recorder.start();
      setSeconds(0);
      setRefused(false);
      const began = Date.now();
      now.timer = setInterval(() => setSeconds(Math.floor((Date.now() - began) / 1000)), 250);
      current.current = now;
      setOn(true);
    } catch {
      setRefused(true);
    }
  };
  useEffect(() => () => end(false), []);
  return { on, seconds, refused, toggle: () => (current.current ? end(true) : begin()), drop: () => end(false) };
}

export function Composer({
  conversationId,
  draft,
  refused,
  label,
  placeholder,
  csrf,
  removeLabel,
  uploadingLabel,
  failedLabel,
  labels,
  onSend,
  onEdit,
  onDraft,
  onTyping,
  children,
}) {
  const [text, setText] = useState(draft);
  const [files, setFiles] = useState([]);
  const [about, setAbout] = useState(null);
  const sendKey = useSendKey();
  const field = useRef(null);
  const picker = useRef(null);
  const form = useRef(null);
  const pending = useRef({ timer: null, id: conversationId, text: draft, dirty: false, typed: 0 });
  const calls = useRef({});
  calls.current = { onSend, onEdit, onDraft, onTyping };
  const choosing = useRef(CHOICES.document);

  const flush = () => {
    const now = pending.current;
    clearTimeout(now.timer);
    if (now.dirty) calls.current.onDraft?.(now.id, now.text);
    now.dirty = false;
  };

  // Another conversation: its own draft. What was typed in the one before is kept.
  useEffect(() => {
    if (pending.current.id === conversationId) return;
    flush();
    pending.current = { timer: null, id: conversationId, text: draft, dirty: false, typed: 0 };
    setText(draft);
    setFiles([]);
    setAbout(null);
  }, [conversationId, draft]);

  // A message is answered or edited: its menu says which. While one is edited its text stands here, and the draft waits.
  useEffect(() => {
    const hear = ({ detail }) => {
      if (detail.conversationId !== pending.current.id) return;
      const waiting = about?.kind === "edit" ? about.waiting : pending.current.text;
      setAbout({ ...detail, waiting });
      if (detail.kind === "edit") {
        flush();
        setText(detail.text);
        setFiles([]);
      } else if (about?.kind === "edit") setText(waiting);
      requestAnimationFrame(() => field.current?.focus());
    };
    window.addEventListener("saasbot:compose", hear);
    return () => window.removeEventListener("saasbot:compose", hear);
  }, [about]);
  const forget = () => {
    if (about?.kind === "edit") setText(about.waiting);
    setAbout(null);
    field.current?.focus();
  };
  useEffect(() => {
    window.addEventListener("pagehide", flush);
    return () => {
      window.removeEventListener("pagehide", flush);
      flush();
    };
  }, []);

  // Refused by the server: the text comes back, unless something new is being written.
  useEffect(() => {
    const item = refused && outgoing.find((sent) => sent.token === refused);
    if (!item) return;
    change(outgoing.filter((sent) => sent !== item));
    if (item.conversationId === pending.current.id && !pending.current.text) edit(item.text);
  }, [refused]);

  useLayoutEffect(() => {
    const element = field.current;
    element.style.height = "auto";
    element.style.height = `${element.scrollHeight}px`;
  }, [text]);

  const edit = (next) => {
    const now = pending.current;
    setText(next);
    if (about?.kind === "edit") return;
    now.text = next;
    now.dirty = true;
    clearTimeout(now.timer);
    now.timer = setTimeout(flush, DRAFT_MS);
    if (next && Date.now() - now.typed > TYPING_MS) {
      now.typed = Date.now();
      calls.current.onTyping?.(conversationId, true);
    }
  };

  const attach = (list, use = "message") => {
    for (const file of [...list].slice(0, MOST_FILES - files.length)) {
      const entry = { key: newToken(), name: file.name, state: "uploading" };
      if (file.size > MOST_BYTES) {
        setFiles((now) => [...now, { ...entry, state: "failed", problem: labels.tooLarge }]);
        continue;
      }
      setFiles((now) => [...now, entry]);
      const settle = (more) => setFiles((now) => now.map((one) => (one.key === entry.key ? { ...one, ...more } : one)));
      upload(file, csrf, use).then(
        (stored) =>
          settle({
            state: "ready",
            id: stored.id,
            thumb: stored.thumb_url,
            sound: use === "voice" ? stored.url : "",
            name: use === "voice" ? `${labels.voice} ${clock(stored.seconds ?? 0)}` : file.name,
          }),
        (error) => settle({ state: "failed", problem: error.message }),
      );
    }
  };

  const ready = files.filter((file) => file.state === "ready");
  const waiting = files.some((file) => file.state === "uploading");
  const recorder = useRecorder((file) => attach([file], "voice"));
  const body = text.trim();
  const editing = about?.kind === "edit";
  const sendable = (body || (ready.length && !editing)) && body.length <= LIMIT && !waiting && !recorder.on;

  const send = (event) => {
    event?.preventDefault();
    if (!sendable) return;
    if (editing) {
      calls.current.onEdit?.(conversationId, about.id, body);
      return forget();
    }
    const now = pending.current;
    clearTimeout(now.timer);
    now.dirty = false;
    now.text = "";
    now.typed = 0;
    // each file is a message; the text goes with the first as its caption
    const parts = ready.length ? ready.map((file, index) => [index ? "" : body, file]) : [[body, null]];
    parts.forEach(([words, file], index) => {
      const token = newToken();
      const quote = index === 0 ? about : null;
      change([...outgoing, { token, conversationId, text: words, file: file?.name, quote: quote?.text }]);
      calls.current.onSend?.(conversationId, words, token, file?.id ?? "", quote?.id ?? "");
    });
    setText("");
    setFiles([]);
    setAbout(null);
    field.current.focus();
    return undefined;
  };

  const press = (event) => {
    if (event.key === "Escape" && about && !event.nativeEvent.isComposing) {
      event.preventDefault();
      return forget();
    }
    if (event.key !== "Enter" || event.nativeEvent.isComposing || event.shiftKey) return undefined;
    const mod = event.ctrlKey || event.metaKey;
    const touch = window.matchMedia("(pointer: coarse)").matches;
    if (mod || (sendKey === "enter" && !touch && !event.altKey)) send(event);
    return undefined;
  };
  const paste = (event) => {
    const pasted = [...(event.clipboardData?.files ?? [])];
    if (pasted.length) {
      event.preventDefault();
      attach(pasted);
    }
  };
  const drop = (event) => {
    if (!event.dataTransfer?.files?.length) return;
    event.preventDefault();
    form.current.removeAttribute("data-over");
    attach(event.dataTransfer.files);
  };
  const over = (event) => {
    if (![...(event.dataTransfer?.types ?? [])].includes("Files")) return;
    event.preventDefault();
    form.current.setAttribute("data-over", "");
  };
  // Also from the menu, which React draws elsewhere but counts as inside.
  const click = (event) => {
    const chosen = event.target.closest("[data-attach]")?.dataset.attach;
    if (chosen in CHOICES) {
      choosing.current = CHOICES[chosen];
      picker.current.accept = choosing.current.accept;
      picker.current.click();
    }
    if (event.target.closest("#composer-voice")) recorder.toggle();
  };

  return h(
    "form",
    {
      ref: form,
      className: "composer",
      "data-empty": sendable ? undefined : "",
      onSubmit: send,
      onClick: click,
      onDrop: drop,
      onDragOver: over,
      onDragLeave: () => form.current.removeAttribute("data-over"),
    },
    about &&
      h(
        "div",
        { className: "composer-about", "data-testid": "composer-about" },
        h(
          "div",
          { className: "bubble-quote" },
          h("p", { className: "quote-who" }, editing ? labels.editing : `${labels.replying} ${about.who}`),
          h("p", { dir: "auto" }, about.text),
        ),
        h("button", { type: "button", className: "composer-remove", "aria-label": labels.cancel, onClick: forget }, "×"),
      ),
    recorder.on &&
      h(
        "div",
        { className: "composer-recording", role: "status" },
        h("span", { className: "recording-dot", "aria-hidden": true }),
        h("span", { className: "num" }, `${labels.recording} ${clock(recorder.seconds)}`),
        h("button", { type: "button", className: "btn btn-ghost", onClick: recorder.drop }, labels.cancel),
        h("button", { type: "button", className: "btn btn-secondary", id: "composer-voice-done", onClick: recorder.toggle }, labels.done),
      ),
    recorder.refused && h("p", { className: "composer-problem composer-note", role: "alert" }, labels.noMicrophone),
    files.length > 0 &&
      h(
        "ul",
        { className: "composer-files" },
        files.map((file) =>
          h(
            "li",
            { key: file.key, className: `composer-file composer-file-${file.state}` },
            file.thumb ? h("img", { src: file.thumb, alt: "" }) : null,
            h("span", { className: "truncate" }, file.name),
            file.sound ? h("audio", { src: file.sound, controls: true, "aria-label": file.name }) : null,
            file.state === "uploading" && h("span", { className: "spinner", role: "status", "aria-label": uploadingLabel }),
            file.state === "failed" && h("span", { className: "composer-problem", role: "alert" }, file.problem || failedLabel),
            h(
              "button",
              {
                type: "button",
                className: "composer-remove",
                "aria-label": `${removeLabel} ${file.name}`,
                onClick: () => setFiles((now) => now.filter((one) => one.key !== file.key)),
              },
              "×",
            ),
          ),
        ),
      ),
    h("textarea", {
      ref: field,
      id: "composer",
      name: "text",
      rows: 1,
      value: text,
      placeholder,
      "aria-label": label,
      autoComplete: "off",
      onChange: (event) => edit(event.target.value),
      onBlur: flush,
      onKeyDown: press,
      onPaste: paste,
    }),
    body.length >= COUNT_FROM &&
      h(
        "span",
        { className: body.length > LIMIT ? "composer-count composer-over" : "composer-count", role: "status" },
        `${body.length} / ${LIMIT}`,
      ),
    h("input", {
      ref: picker,
      type: "file",
      multiple: true,
      hidden: true,
      tabIndex: -1,
      "aria-hidden": true,
      onChange: (event) => {
        attach(event.target.files, choosing.current.use);
        event.target.value = "";
      },
    }),
    h("div", { className: "composer-tools" }, children),
  );
}
