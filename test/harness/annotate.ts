/** Names of attributes by type, and of those nested in them. */
export interface AttributeNames {
  readonly [type: number]: string | readonly [name: string, nested: AttributeNames];
}

/** Generic netlink payload as hex, one attribute per line with its name behind `#`: the form of golden files. */
export function annotate(payload: Buffer, names: AttributeNames): string {
  const header = `${hex(payload.subarray(0, 4))}  # genlmsghdr: cmd ${payload[0]}, version ${payload[1]}`;
  return [header, ...lines(payload.subarray(4), names, "")].join("\n");
}

/** The octets of annotated hex. */
export function fromAnnotated(text: string): Buffer {
  const digits = text
    .split("\n")
    .map((line) => line.replace(/#.*/, ""))
    .join("");
  return Buffer.from(digits.replace(/\s+/g, ""), "hex");
}

function lines(bytes: Buffer, names: AttributeNames, indent: string): string[] {
  const out: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt16LE(at);
    const type = bytes.readUInt16LE(at + 2) & 0x3fff;
    const end = Math.min(bytes.length, at + ((length + 3) & ~3));
    const name = names[type] ?? `attribute ${type}`;
    if (typeof name === "string") {
      out.push(`${indent}${hex(bytes.subarray(at, end))}  # ${name}`);
    } else {
      out.push(`${indent}${hex(bytes.subarray(at, at + 4))}  # ${name[0]}, ${length} octets`);
      out.push(...lines(bytes.subarray(at + 4, at + length), name[1], `${indent}  `));
    }
    at = end;
  }
  return out;
}

const hex = (bytes: Buffer): string => bytes.toString("hex").replace(/(.{2})(?=.)/g, "$1 ");
