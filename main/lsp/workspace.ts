import { fileURLToPath, pathToFileURL } from "node:url";
import type { Diagnostic } from "../config/diagnostics.js";
import { createHost } from "../config/host.js";
import { loadConfig } from "../config/load.js";
import type { ConfigHost } from "../config/ports.js";
import { errnoName } from "../errors.js";
import { declarations, type NamedPlace } from "./names.js";
import { type Outline, outlineOf } from "./outline.js";

/** What is being edited, and the files around it. Open texts go before what is on disk. */
export class Workspace {
  /** By path. */
  readonly #open = new Map<string, string>();
  /** Files that each main file reads, from its last loading. */
  readonly #readBy = new Map<string, readonly string[]>();

  set(uri: string, text: string): void {
    this.#open.set(pathOf(uri), text);
  }

  close(uri: string): void {
    const path = pathOf(uri);
    this.#open.delete(path);
    this.#readBy.delete(path);
  }

  text(uri: string): string {
    return this.#text(pathOf(uri)) ?? "";
  }

  outline(uri: string): Outline {
    return outlineOf(pathOf(uri), this.text(uri));
  }

  /** Declared in the file or in any file that is read together with it. */
  names(uri: string): readonly NamedPlace[] {
    return this.#together(pathOf(uri)).flatMap((file) => [
      ...declarations(file, outlineOf(file, this.#text(file) ?? "")),
    ]);
  }

  /**
   * Checks every open file that no other open file includes. @returns findings by URI, an empty list for each file that is
   * fine, so that old findings disappear
   */
  check(): ReadonlyMap<string, readonly Diagnostic[]> {
    const found = new Map<string, Diagnostic[]>();
    this.#readBy.clear();
    const host = this.#host();
    const results = [...this.#open.keys()].map((file) => ({ file, result: loadConfig(file, host) }));
    for (const { file, result } of results) this.#readBy.set(file, result.files);
    const included = new Set(results.flatMap(({ result }) => result.files.slice(1)));
    for (const { file, result } of results) {
      if (included.has(file)) continue;
      for (const read of [file, ...result.files]) found.set(uriOf(read), found.get(uriOf(read)) ?? []);
      for (const diagnostic of result.diagnostics) found.get(uriOf(diagnostic.at?.file ?? file))?.push(diagnostic);
    }
    return found;
  }

  #together(path: string): readonly string[] {
    const files = [...this.#readBy.values()].filter((read) => read.includes(path)).flat();
    return [...new Set([path, ...files])];
  }

  #text(path: string): string | undefined {
    const open = this.#open.get(path);
    if (open !== undefined) return open;
    const content = createHost().readFile(path); // with its care for devices, pipes and giants
    return content.kind === "content" ? Buffer.from(content.bytes).toString() : undefined;
  }

  /** This machine is rarely the one that the file is for: its interfaces say nothing. */
  #host(): ConfigHost {
    const host = createHost();
    return {
      ...host,
      interfaceExists: () => true,
      // A new text has no file yet.
      stat: (path) => (this.#open.has(path) ? { kind: "file", uid: 0, gid: 0, mode: 0o644 } : host.stat(path)),
      readFile: (path) => {
        const open = this.#open.get(path);
        return open === undefined ? host.readFile(path) : { kind: "content", bytes: Buffer.from(open) };
      },
    };
  }
}

/**
 * Texts that are no files (`untitled:Untitled-1`), and files of other machines, stand in a directory that nobody has. Their
 * whole URI is the name there, so that it can be told back.
 */
const NO_FILES = "/proc/self/no-file/";

export function pathOf(uri: string): string {
  try {
    if (uri.startsWith("file:")) return fileURLToPath(uri);
  } catch (error) {
    if (errnoName(error) === undefined && !(error instanceof URIError)) throw error;
  }
  return NO_FILES + encodeURIComponent(Buffer.from(uri).toString());
}

export const uriOf = (path: string): string =>
  path.startsWith(NO_FILES) ? decodeURIComponent(path.slice(NO_FILES.length)) : pathToFileURL(path).href;
