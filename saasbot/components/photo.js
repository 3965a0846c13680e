// Photos reach the server by POST /uploads (cookie + CSRF token), never through the socket. What comes back is an id,
// which the form or the row then carries.
import { createElement as h, useEffect, useRef, useState } from "react";

const LARGEST = 10 * 1024 * 1024;
const ACCEPT = "image/jpeg,image/png,image/webp,image/gif,image/avif";

class Refused extends Error {}

/** Upload one file; resolves to {id, url, thumb_url}, or rejects with a sentence for the person. */
const upload = async (file, csrf, texts) => {
  if (file.size > LARGEST) throw new Refused(texts.tooLarge);
  const body = new FormData();
  body.append("file", file);
  let answer;
  try {
    answer = await fetch("/uploads", {
      method: "POST",
      body,
      credentials: "same-origin",
      headers: { "X-CSRF-Token": csrf, "Accept-Language": document.documentElement.lang },
    });
  } catch {
    throw new Refused(texts.offline);
  }
  const document_ = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refused(document_.detail || texts.failed);
  return document_;
};

const sentence = (error, texts) => (error instanceof Refused ? error.message : texts.failed);

const photoIn = (transfer) => [...(transfer?.files ?? [])].find((file) => file.type.startsWith("image/"));
const hasFile = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");

const icon = (...paths) =>
  h(
    "svg",
    { width: 22, height: 22, viewBox: "0 0 24 24", fill: "none", stroke: "currentColor", strokeWidth: 1.75,
      strokeLinecap: "round", strokeLinejoin: "round", "aria-hidden": true },
    ...paths.map((d) => h("path", { d, key: d })),
  );

/**
 * The photo of a form: click, drop anywhere on it, or paste while it is on screen. The form sends the photo's id under
 * `name`; a submit that comes while the photo is on its way waits for it.
 */
export function PhotoField({ fieldId: id, name, csrf, photoId = "", photoUrl = "", disabled = false, texts }) {
  const [photo, setPhoto] = useState({ id: photoId, url: photoUrl });
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const [over, setOver] = useState(false);
  const hidden = useRef(null);
  const input = useRef(null);
  const work = useRef({ number: 0, submitter: undefined });

  const take = async (file) => {
    if (!file || disabled) return;
    const number = ++work.current.number;
    const local = URL.createObjectURL(file);
    const before = photo;
    setProblem("");
    setBusy(true);
    setPhoto({ id: "", url: local });
    try {
      const stored = await upload(file, csrf, texts);
      if (number === work.current.number) {
        hidden.current.value = stored.id; // at once: the submit that waits reads it before React draws again
        setPhoto({ id: stored.id, url: stored.url });
      }
    } catch (error) {
      if (number === work.current.number) {
        setPhoto(before);
        setProblem(sentence(error, texts));
        work.current.submitter = undefined; // nothing is sent without the photo it was meant to have
      }
    } finally {
      URL.revokeObjectURL(local);
      if (number === work.current.number) {
        setBusy(false);
        work.current.busy = false;
        const submitter = work.current.submitter;
        work.current.submitter = undefined;
        if (submitter !== undefined) hidden.current?.form?.requestSubmit(submitter);
      }
    }
  };
  const takeNow = (file) => {
    if (!file || disabled) return;
    work.current.busy = true;
    take(file);
  };
  const latest = useRef(takeNow);
  useEffect(() => {
    latest.current = takeNow;
  });

  useEffect(() => {
    const form = hidden.current?.form;
    const wait = (event) => {
      if (!work.current.busy) return;
      event.preventDefault();
      event.stopPropagation();
      work.current.submitter = event.submitter ?? null;
    };
    const paste = (event) => {
      const file = photoIn(event.clipboardData);
      if (!file) return;
      event.preventDefault();
      latest.current(file);
    };
    form?.addEventListener("submit", wait, true);
    document.addEventListener("paste", paste);
    return () => {
      form?.removeEventListener("submit", wait, true);
      document.removeEventListener("paste", paste);
    };
  }, []);

  const remove = () => {
    work.current.number++;
    work.current.busy = false;
    setBusy(false);
    setProblem("");
    setPhoto({ id: "", url: "" });
    input.current?.focus();
  };
  const drag = (event) => {
    if (disabled || !hasFile(event)) return;
    event.preventDefault();
    setOver(true);
  };

  return h(
    "div",
    { className: "field photo-field" },
    h("label", { className: "field-label", htmlFor: id }, texts.label, h("span", { className: "field-optional" }, texts.optional)),
    h(
      "div",
      {
        className: "photo-drop",
        "data-over": over || undefined,
        "data-filled": photo.url ? true : undefined,
        "aria-busy": busy,
        onDragEnter: drag,
        onDragOver: drag,
        onDragLeave: (event) => event.currentTarget.contains(event.relatedTarget) || setOver(false),
        onDrop: (event) => {
          if (disabled || !hasFile(event)) return;
          event.preventDefault();
          setOver(false);
          const file = photoIn(event.dataTransfer);
          file ? takeNow(file) : setProblem(texts.notPhoto);
        },
      },
      h("input", {
        id,
        ref: input,
        type: "file",
        accept: ACCEPT,
        className: "photo-input",
        disabled,
        "aria-describedby": `${id}-error ${id}-help`,
        onChange: (event) => {
          takeNow(event.target.files[0]);
          event.target.value = "";
        },
      }),
      photo.url
        ? h("img", { src: photo.url, alt: texts.alt, className: "photo-image" })
        : h(
            "div",
            { className: "photo-empty", "aria-hidden": true },
            icon("M16 5h6", "M19 2v6", "M21 11.5V19a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2V5a2 2 0 0 1 2-2h7.5", "m21 15-3.1-3.1a2 2 0 0 0-2.8 0L6 21", "M9 11a2 2 0 1 0 0-4 2 2 0 0 0 0 4"),
            h("span", null, texts.invitation),
          ),
      busy && h("div", { className: "photo-busy", role: "status" }, h("span", { className: "spinner", "aria-hidden": true }), texts.busy),
    ),
    h("input", { type: "hidden", name, value: photo.id, ref: hidden, readOnly: true }),
    h(
      "div",
      { className: "photo-foot" },
      problem
        ? h("p", { id: `${id}-error`, className: "field-error", role: "alert" }, problem)
        : h("p", { id: `${id}-help`, className: "field-help" }, texts.help),
      photo.url && !disabled && h("button", { type: "button", className: "link", onClick: remove }, texts.remove),
    ),
  );
}

/**
 * Around rows with `data-photo-row={id}`: a photo dropped anywhere on a row, pasted while the row is under the pointer or has
 * the focus, or chosen through a control with `data-photo-pick`, is uploaded and handed to `onPhoto(row id, photo id)`.
 * A field with `data-inline` keeps its text on Enter and takes it back on Escape.
 */
export function PhotoRows({ csrf, onPhoto, onProblem, disabled = false, texts, children }) {
  const root = useRef(null);
  const input = useRef(null);
  const picked = useRef(null);
  const latest = useRef({});
  useEffect(() => {
    latest.current = { csrf, onPhoto, onProblem, texts };
  });

  useEffect(() => {
    if (disabled) return undefined;
    const table = root.current;
    const rowOf = (target) => target?.closest?.("[data-photo-row]");
    let marked = null;
    const mark = (row) => {
      if (marked === row) return;
      marked?.removeAttribute("data-over");
      row?.setAttribute("data-over", "");
      marked = row;
    };
    const take = async (row, file) => {
      const { csrf, onPhoto, onProblem, texts } = latest.current;
      if (!file) return onProblem(texts.notPhoto);
      const id = row.dataset.photoRow;
      row.setAttribute("data-busy", "");
      try {
        onPhoto(id, (await upload(file, csrf, texts)).id);
      } catch (error) {
        onProblem(sentence(error, texts));
      } finally {
        row.removeAttribute("data-busy");
      }
    };
    const handlers = {
      dragover: (event) => {
        if (!hasFile(event)) return;
        event.preventDefault();
        mark(rowOf(event.target));
      },
      dragleave: (event) => table.contains(event.relatedTarget) || mark(null),
      drop: (event) => {
        if (!hasFile(event)) return;
        event.preventDefault(); // a photo that misses must not replace the page
        const row = rowOf(event.target);
        mark(null);
        if (row) take(row, photoIn(event.dataTransfer));
      },
      click: (event) => {
        if (!event.target.closest?.("[data-photo-pick]")) return;
        picked.current = rowOf(event.target);
        input.current.click();
      },
      keydown: (event) => {
        const field = event.target.closest?.("[data-inline]");
        if (!field || event.isComposing) return;
        if (event.key === "Escape") field.value = field.defaultValue;
        if (event.key === "Escape" || event.key === "Enter") field.blur();
      },
    };
    const chosen = () => {
      const file = input.current.files[0];
      input.current.value = "";
      if (file && picked.current) take(picked.current, file);
    };
    const paste = (event) => {
      const file = photoIn(event.clipboardData);
      const row = rowOf(document.activeElement) ?? table.querySelector("[data-photo-row]:hover");
      if (!file || !row || document.querySelector("[role=dialog]")) return;
      event.preventDefault();
      take(row, file);
    };
    const field = input.current;
    Object.entries(handlers).forEach(([kind, handle]) => table.addEventListener(kind, handle));
    field.addEventListener("change", chosen);
    document.addEventListener("paste", paste);
    return () => {
      Object.entries(handlers).forEach(([kind, handle]) => table.removeEventListener(kind, handle));
      field.removeEventListener("change", chosen);
      document.removeEventListener("paste", paste);
    };
  }, [disabled]);

  return h(
    "div",
    { ref: root, className: "photo-rows" },
    children,
    h("input", { type: "file", accept: ACCEPT, ref: input, hidden: true, tabIndex: -1, "aria-hidden": true }),
  );
}
