"use strict";
// Light or dark: the system's choice until the reader makes another one.
const theme = (() => {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const button = document.getElementById("theme");
  const listeners = [];
  const dark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  const changed = () => {
    button.textContent = dark() ? "Light" : "Dark";
    button.setAttribute("aria-label", `Switch to ${dark() ? "light" : "dark"} colours`);
    listeners.forEach((listener) => listener());
  };
  button.hidden = false;
  button.addEventListener("click", () => {
    root.dataset.theme = dark() ? "light" : "dark";
    changed();
  });
  system.addEventListener("change", changed);
  changed();
  return { dark, onChange: (listener) => listeners.push(listener) };
})();

const find = (id) => document.getElementById(id);
const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
const bring = (element, block) => element.scrollIntoView({ block, inline: "nearest", behavior: calm() ? "auto" : "smooth" });

// A link to a failed launch opens it, and paper shows every detail.
const openTarget = () => {
  const target = location.hash.length > 1 && find(decodeURIComponent(location.hash.slice(1)));
  if (target && target.tagName === "DETAILS") target.open = true;
};
addEventListener("hashchange", openTarget);
addEventListener("beforeprint", () => document.querySelectorAll("details:not(.figures)").forEach((one) => { one.open = true; }));
openTarget();
