// Copy buttons and downloads; what is downloaded is what the page holds.
const copy = async (source) => {
  try {
    await navigator.clipboard.writeText(source.textContent);
    return true;
  } catch { // a page that was opened from disk may not write there in every browser
    getSelection().selectAllChildren(source);
    return document.execCommand("copy");
  }
};
const said = document.body.appendChild(document.createElement("p"));
said.className = "unseen";
said.setAttribute("role", "status");
document.querySelectorAll("button.copy").forEach((button) => {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const copied = await copy(find(button.dataset.copy));
    button.textContent = copied ? "Copied" : "Press Ctrl+C";
    said.textContent = copied ? "Copied" : "The text is selected: press Ctrl+C";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
});

const downloads = {
  csv: () => ["trials.csv", "text/csv", JSON.parse(find("trials-csv").textContent)],
  json: () => ["report.json", "application/json", find("report-json").textContent],
};
document.querySelectorAll("button[data-download]").forEach((button) => {
  button.addEventListener("click", () => {
    const [name, type, text] = downloads[button.dataset.download]();
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  });
});
