export default function ({ parentElement, data }) {
  const button = parentElement.querySelector("button");
  const dark = data.dark;
  button.textContent = dark ? "☀\uFE0E" : "☾";
  button.title = dark ? data.light_theme : data.dark_theme;
  button.setAttribute("aria-label", button.title);
  button.onclick = () => {
    localStorage.setItem("emberline.theme", JSON.stringify(dark ? "Light" : "Dark"));
    window.location.reload();
  };
}
