export default function ({ data }) {
  document.documentElement.lang = data.language;
  const replace = () => {
    for (const dialog of document.querySelectorAll('[role="dialog"]')) {
      for (const part of dialog.querySelectorAll("*")) {
        const text = part.childElementCount ? "" : part.textContent.trim();
        for (const [begins, says] of data.says) {
          if (text.startsWith(begins) && text !== says) part.textContent = says;
        }
      }
    }
  };
  const observer = new MutationObserver(replace);
  observer.observe(document.body, { childList: true, subtree: true });
  return () => observer.disconnect();
}
