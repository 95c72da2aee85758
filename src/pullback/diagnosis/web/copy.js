"use strict";
// A button beside each piece of code, which copies it; without JavaScript there are none.
for (const box of document.querySelectorAll(".doctor .code")) {
  const code = box.querySelector("pre");
  const button = document.createElement("button");
  button.textContent = "Copy";
  button.setAttribute("aria-label", "Copy the code of this cure");
  button.addEventListener("click", async () => {
    let done = true;
    try {
      await navigator.clipboard.writeText(code.textContent);
    } catch {
      getSelection().selectAllChildren(code); // where a page may not, the old way
      done = document.execCommand("copy");
    }
    button.textContent = done ? "Copied" : "Select it, and Ctrl-C";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
  box.classList.add("copying");
  box.append(button);
}
