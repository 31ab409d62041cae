import type { BodyPattern } from "./model-checks.js";

/** What the configuration needs of the host. host.ts implements it over node:fs; tests bring their own. */
export interface ConfigHost {
  /** Selects `@id` lines and is `${_INSTANCE}`: -i, else the host name up to its first dot. */
  readonly configId: string;
  /** Effective user id of the daemon; script paths are checked only when it is 0. */
  readonly effectiveUid: number;
  readonly hostName: string;
  readonly workingDirectory: string;
  /** The bytes are those of the file until the next call. */
  readFile(path: string): FileContent;
  /** Follows symbolic links. Undefined: it does not exist or may not be looked at. */
  stat(path: string): FileStatus | undefined;
  /** Whether the disk of this path answers: else nobody looks there, as that may take for ever. Absent: it is looked at in any case. */
  answers?(path: string): boolean;
  /** Undefined: it is no symbolic link. Absent: there are none. */
  readLink?(path: string): { readonly uid: number; readonly target: string } | undefined;
  /** Absolute path without symbolic links, or undefined when it does not exist. */
  realpath(path: string): string | undefined;
  /** Names in a directory, in any order; empty when it cannot be read. */
  list(directory: string): readonly string[];
  user(name: string): UserEntry | undefined;
  /** Group id, or undefined. */
  group(name: string): number | undefined;
  userName(uid: number): string | undefined;
  /** Ids of the groups that list the user as a member. Absent: none are known. */
  groupsOf?(user: string): readonly number[];
  /** Absent: groups are shown by number. */
  groupName?(gid: number): string | undefined;
  interfaceExists(name: string): boolean;
  environment(name: string): string | undefined;
  /** What PCRE2 thinks of a pattern. Absent: nobody is asked. */
  checkPattern?(pattern: BodyPattern): PatternVerdict;
  /** Little is left of the memory that this process may use. Absent: never. */
  memoryIsShort?(): boolean;
}

export type PatternVerdict =
  | { readonly is: "good" }
  /** `offset`: in octets of the pattern. */
  | { readonly is: "bad"; readonly message: string; readonly offset: number }
  /** `why`: code of what is in the way. */
  | { readonly is: "unchecked"; readonly why: string };

export type FileContent =
  | { readonly kind: "content"; readonly bytes: Uint8Array }
  /** `why`: errno name (ENOENT, EACCES, EISDIR) or what it is instead of a configuration. */
  | { readonly kind: "unreadable"; readonly why: string };

export interface FileStatus {
  readonly kind: "file" | "directory" | "other";
  readonly uid: number;
  readonly gid: number;
  /** Permission bits with set-id and sticky: st_mode & 07777. */
  readonly mode: number;
}

export interface UserEntry {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}
