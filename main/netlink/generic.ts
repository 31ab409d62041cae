import { AttributeCursor } from "./attribute-cursor.js";
import type { Request } from "./connection.js";
import type { MessageWriter } from "./writer.js";

/** linux/genetlink.h: the family that knows the numbers of the other families. */
export const GENL_ID_CTRL = 0x10;
export const CTRL_CMD_GETFAMILY = 3;
const CTRL_ATTR_FAMILY_ID = 1;
const CTRL_ATTR_FAMILY_NAME = 2;
/** struct genlmsghdr { u8 cmd; u8 version; u16 reserved; } */
export const GENL_HEADER_BYTES = 4;

export function genericHeader(writer: MessageWriter, command: number, version: number): void {
  scratch[0] = command;
  scratch[1] = version;
  writer.header(scratch);
}

const scratch = new Uint8Array(GENL_HEADER_BYTES);

/** Asks for the number of family `name`; the answer is read by `familyId`. */
export const familyRequest = (name: string): Request => ({
  type: GENL_ID_CTRL,
  encode: (writer) => {
    genericHeader(writer, CTRL_CMD_GETFAMILY, 1);
    writer.text(CTRL_ATTR_FAMILY_NAME, name);
  },
});

/** Undefined when the message is no answer to `familyRequest`. @throws RangeError on a torn one */
export function familyId(payload: Buffer): number | undefined {
  const attributes = new AttributeCursor(payload, GENL_HEADER_BYTES);
  while (attributes.next()) if (attributes.type === CTRL_ATTR_FAMILY_ID) return attributes.u16();
  return undefined;
}
