import { text } from "../args.js";
import { keywordsFor, type Scope } from "../keyword.js";

/** What the block SSL said: file names, and the pass phrase of the key. */
export interface TlsDraft {
  password?: string;
  caFile?: string;
  certificateFile?: string;
  keyFile?: string;
}

const keyword = keywordsFor<TlsDraft>();

const setting = (field: keyof TlsDraft, missing: string, doc: string) =>
  keyword.field(field, text, { missing: `${missing} missing`, repeat: "last-wins-reported", doc });

export const tlsScope: Scope<TlsDraft> = {
  name: "SSL",
  keywords: {
    password: setting("password", "SSL password", "Pass phrase of the private key."),
    ca: setting("caFile", "SSL cafile", "File of the certificates that are trusted."),
    certificate: setting("certificateFile", "SSL certfile", "File of the certificate that is shown."),
    key: setting("keyFile", "SSL keyfile", "File of its private key."),
  },
};
