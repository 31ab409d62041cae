/** A kind of check, and the lines that it cannot do without. */
export type Kind = readonly [kind: string, ...own: string[]];

/** Those that the probe engine makes. */
export const probedKinds: readonly Kind[] = [
  ["TCP_CHECK"],
  ["HTTP_GET", "url {\npath /\n}"],
  ["SSL_GET", "url {\npath /\n}"],
  ["SMTP_CHECK"],
  ["DNS_CHECK"],
  ["UDP_CHECK"],
  ["PING_CHECK"],
];
