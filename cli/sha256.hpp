// sha256.hpp - SHA-256 (FIPS 180-4) of a stream of octets.
#ifndef TURBO_CLI_SHA256_HPP
#define TURBO_CLI_SHA256_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

// Our own, because the program shall depend on nothing but the library, and needs it for body_sha256 alone: nothing secret
// passes here.
class Sha256 {
  public:
    void update(std::string_view octets);
    // The digest as 64 hex digits. The object is spent then.
    std::string hex();

  private:
    void block(const unsigned char* octets);

    std::array<std::uint32_t, 8>  state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                        0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    std::array<unsigned char, 64> rest_{}; // the octets that make no whole block yet
    std::uint64_t                 size_ = 0;
};

#endif // TURBO_CLI_SHA256_HPP
