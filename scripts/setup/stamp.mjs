import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { root } from "./run.mjs";

/** Files below `dir` (relative to the checkout), sorted; an absent folder is empty. Links are not followed. */
export function filesBelow(dir, accept = () => true) {
  const found = [];
  const visit = (relative) => {
    for (const entry of list(path.join(root, relative))) {
      const name = path.join(relative, entry.name);
      if (entry.isDirectory()) visit(name);
      else if (entry.isFile() && accept(name)) found.push(name);
    }
  };
  visit(dir);
  return found.sort((a, b) => (a < b ? -1 : 1));
}

/** Hash of names and contents of files, and of `facts` that the result depends on (versions, flags). */
export function contentHash(files, facts) {
  const hash = createHash("sha256").update(JSON.stringify(facts));
  for (const file of files) {
    if (!isFile(file)) continue;
    hash.update(`\0${file}\0`).update(readFileSync(path.join(root, file)));
  }
  return hash.digest("hex");
}

/** True when `stamp` (a file relative to the checkout) records exactly this hash. */
export function isStamped(stamp, hash) {
  return isFile(stamp) && readFileSync(path.join(root, stamp), "utf8").trim() === hash;
}

export function writeStamp(stamp, hash) {
  const file = path.join(root, stamp);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, `${hash}\n`);
}

export function isFile(relative) {
  return statSync(path.join(root, relative), { throwIfNoEntry: false })?.isFile() ?? false;
}

function list(dir) {
  return statSync(dir, { throwIfNoEntry: false })?.isDirectory() ? readdirSync(dir, { withFileTypes: true }) : [];
}
