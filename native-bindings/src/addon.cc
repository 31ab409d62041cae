#include <napi.h>

#include "addon_data.h"
#include "deadline_timer.h"
#include "ipv6_adverts.h"
#include "make_fifo.h"
#include "netlink_socket.h"
#include "packet_socket.h"
#include "probe_engine.h"
#include "process_functions.h"
#include "raw_filter.h"
#include "scheduling_functions.h"
#include "script_process.h"
#include "unix_datagram.h"

static Napi::Object Init(Napi::Env env, Napi::Object exports) {
  auto* data = new AddonData();
  napi_get_uv_event_loop(env, &data->loop);
  env.SetInstanceData(data);
  exports.Set("NetlinkSocket", NetlinkSocket::Define(env));
  exports.Set("PacketSocket", PacketSocket::Define(env));
  exports.Set("Ipv6AdvertReader", Ipv6AdvertReader::Define(env));
  exports.Set("Ipv6AdvertSender", Ipv6AdvertSender::Define(env));
  exports.Set("DeadlineTimer", DeadlineTimer::Define(env));
  exports.Set("ProbeEngine", ProbeEngine::Define(env));
  exports.Set("tlsErrorText", Napi::Function::New<TlsErrorTextOf>(env, "tlsErrorText"));
  exports.Set("compilePattern", Napi::Function::New<CompilePattern>(env, "compilePattern"));
  exports.Set("ScriptProcess", ScriptProcess::Define(env));
  exports.Set("UnixDatagram", UnixDatagram::Define(env));
  DefineMakeFifo(env, exports);
  DefineProcessFunctions(env, exports);
  DefineSchedulingFunctions(env, exports);
  DefineRawFilter(env, exports);
  return exports;
}

NODE_API_MODULE(holdfast, Init)
