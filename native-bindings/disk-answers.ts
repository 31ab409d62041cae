import { loadAddon } from "./addon.js";

/**
 * Whether the disk that `path` leads to answers within the time, with whatever: then looking at it again takes none. Like `stat`, in a
 * thread of its own, which goes on waiting if need be. True also where nobody can be asked: no thread to be had, or no add-on.
 */
export function diskAnswers(path: string, milliseconds: number): boolean {
  try {
    const { diskAnswers: ask } = loadAddon() as { readonly diskAnswers?: typeof diskAnswers };
    return ask === undefined || ask(path, milliseconds);
  } catch {
    return true;
  }
}
