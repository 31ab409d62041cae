#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "verdict.h"

// MD5 (RFC 1321), for `digest` of an HTTP check. Our own: OpenSSL's takes longer to set up than to digest a usual page, and
// refuses MD5 in FIPS mode, where a check still has to compare what genhash once printed. It protects nothing here.
namespace probe {

class Md5Hash {
 public:
  void Update(std::span<const std::byte> bytes);
  // The digest of all bytes so far; afterwards it begins anew.
  Md5 Final();

 private:
  static constexpr size_t kBlock = 64;
  using Words = std::array<uint32_t, 4>;
  static constexpr Words kStart{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};  // RFC 1321 3.3

  void Digest(const std::byte* block);

  Words state_ = kStart;
  uint64_t length_ = 0;  // octets so far; what does not fill a block is in pending_
  std::array<std::byte, kBlock> pending_;
};

}  // namespace probe
