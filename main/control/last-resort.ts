/** Ends the process although a thread of it hangs in native code: `process.exit` joins all threads first, and would not return. */
export function killThisProcess(): void {
  process.kill(process.pid, "SIGKILL");
}
