#pragma once
#include <napi.h>

// How long ago the kernel took the datagram in that was read last from a socket, ms; NaN when it does not know (yet: it notes times
// from the first question on) or when the time of day was set back meanwhile.
double DatagramAgeMs(int fd);

// datagramAge(fd): see native-bindings/datagram-age.ts.
void DefineDatagramAge(Napi::Env env, Napi::Object exports);
