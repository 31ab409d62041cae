const PER_LINE = 16;

/** Octets as people read them: place, sixteen octets, and what of them is ASCII. */
export function hexLines(bytes: Buffer): string {
  let lines = "";
  for (let at = 0; at < bytes.length; at += PER_LINE) {
    const row = bytes.subarray(at, at + PER_LINE);
    const hex = Array.from(row, (octet) => octet.toString(16).padStart(2, "0"));
    const halves = `${hex.slice(0, 8).join(" ")} - ${hex.slice(8).join(" ")}`;
    const text = row.toString("latin1").replace(/[^\x20-\x7e]/g, ".");
    lines += `${String(at).padStart(4, "0")}  ${halves.padEnd(51)}${text}\n`;
  }
  return lines;
}
