// Copy buttons and downloads; what is downloaded is what the page holds.
document.querySelectorAll("button.copy").forEach((button) => {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const source = find(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(source.textContent);
    } catch {
      getSelection().selectAllChildren(source);
      document.execCommand("copy");
    }
    button.textContent = "Copied";
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
