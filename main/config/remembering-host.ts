import type { ConfigHost, FileContent } from "./ports.js";

/** For one reading: a thousand instances share some interfaces, and each asks whether its own is there and how long its frames are. */
export function rememberingHost(host: ConfigHost): ConfigHost {
  const there = new Map<string, boolean>();
  const files = new Map<string, FileContent>();
  return {
    ...host,
    interfaceExists: (name) => once(there, name, () => host.interfaceExists(name)),
    readFile: (path) =>
      path.startsWith("/sys/class/net/") ? once(files, path, () => kept(host.readFile(path))) : host.readFile(path),
  };
}

/** What the host gave is there until its next call only. */
const kept = (file: FileContent): FileContent =>
  file.kind === "content" ? { ...file, bytes: Uint8Array.prototype.slice.call(file.bytes) } : file;

function once<T>(known: Map<string, T>, key: string, ask: () => T): T {
  const before = known.get(key);
  if (before !== undefined) return before;
  const answer = ask();
  known.set(key, answer);
  return answer;
}
