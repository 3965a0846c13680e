// What the person should know about the socket: "ok", "offline", "reconnecting", "back" (for two seconds).
import { useContext, useEffect, useState } from "react";
import { EventLoopContext } from "$/utils/context-registry";

// A drop that heals within this time is not worth a word.
const GRACE_MS = 600;
const BACK_MS = 2000;

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
