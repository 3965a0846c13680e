// What the person should know about the socket: "ok", "offline", "reconnecting", "back" (for two seconds).
import { useContext, useEffect, useState } from "react";
import { EventLoopContext } from "$/utils/context-registry";

// A drop that heals within this time is not worth a word.
const GRACE_MS = 600;
const BACK_MS = 2000;
// So often refused while the server is well, the tab's token is no longer ours: a session holds it whose cookie is gone.
const REFUSALS = 7;
const ANEW_KEY = "saasbot-began-anew";
const ANEW_MS = 60_000;

const beginAnew = async () => {
  const server = await fetch("/healthz", { cache: "no-store" }).catch(() => null);
  if (!server?.ok || Date.now() - Number(sessionStorage.getItem(ANEW_KEY)) < ANEW_MS) {
    return;
  }
  sessionStorage.setItem(ANEW_KEY, String(Date.now()));
  sessionStorage.removeItem("token"); // Reflex makes another
  location.reload();
};

export const useConnectionPhase = () => {
  const [, connectErrors] = useContext(EventLoopContext);
  const [online, setOnline] = useState(true);
  const [phase, setPhase] = useState("ok");

  useEffect(() => {
    const update = () => setOnline(navigator.onLine);
    update();
    window.addEventListener("online", update);
    window.addEventListener("offline", update);
    return () => {
      window.removeEventListener("online", update);
      window.removeEventListener("offline", update);
    };
  }, []);

  const isRefused = connectErrors.length >= REFUSALS;
  useEffect(() => {
    if (isRefused) {
      beginAnew();
    }
  }, [isRefused]);

  const trouble = !online ? "offline" : connectErrors.length > 0 ? "reconnecting" : null;
  useEffect(() => {
    if (trouble) {
      const timer = setTimeout(() => setPhase(trouble), GRACE_MS);
      return () => clearTimeout(timer);
    }
    setPhase((shown) => (shown === "ok" ? "ok" : "back"));
    const timer = setTimeout(() => setPhase("ok"), BACK_MS);
    return () => clearTimeout(timer);
  }, [trouble]);

  return phase;
};
