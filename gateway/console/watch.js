// Doing something again and again while a page is shown.

/** Run `act` now and every `every` milliseconds, one at a time, not while the page is hidden. */
export async function repeatedly(act, every, signal) {
  while (!signal.aborted) {
    if (!document.hidden) await act();
    await new Promise((resume) => {
      const timer = setTimeout(done, every);
      function done() {
        clearTimeout(timer);
        signal.removeEventListener("abort", done);
        document.removeEventListener("visibilitychange", done);
        resume();
      }
      signal.addEventListener("abort", done);
      document.addEventListener("visibilitychange", done);
    });
  }
}
