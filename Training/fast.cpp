// Attention in bfloat16 with AMX tiles, and the mask decoder's last convolution, both forth and back (fast.py compiles and calls them).
//
// PyTorch's own makes the N x M scores in memory for every head and walks over them six times.  Here a block of 16 queries stays in
// the nearest cache.  Everything is done on transposed scores (a row for each key, a lane for each query), so that the softmax runs
// down the rows and no product needs its operand turned in between.  The way back makes the probabilities anew from the logarithm
// of their sum (Dao et al., "FlashAttention", 2022).
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

typedef uint16_t bf16;

namespace {

constexpr int W = 32;                                      // a head's width, filled up with zeros
constexpr int K = 5, R = 2;                                // the convolution's side, and how far it reaches
constexpr float LOG2E = 1.4426950408889634f;

struct Tensor {                                            // [B, H, N, D], D without gaps; strides in numbers
    bf16 *p;
    int64_t b, h, n;
    bf16 *at(int i, int j) const { return p + i * b + j * h; }
};

struct alignas(64) TileConfig {
    uint8_t palette = 1, start = 0, reserved[14] = {};
    uint16_t bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
    uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};

struct Buffer {                                            // grows, never shrinks; aligned to a cache line
    std::vector<uint8_t> bytes;
    template <class T> T *take(size_t count) {
        if (bytes.size() < count * sizeof(T) + 64) bytes.resize(count * sizeof(T) + 64);
        return reinterpret_cast<T *>((reinterpret_cast<uintptr_t>(bytes.data()) + 63) & ~uintptr_t(63));
    }
};

// 2^x with a relative error below 8e-5, a twentieth of bfloat16's; below -100 nothing, as denormal numbers are slow.
inline __m512 exp2_(__m512 x) {
    const __mmask16 some = _mm512_cmp_ps_mask(x, _mm512_set1_ps(-100.f), _CMP_GT_OQ);
    __m512 whole = _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC), f = _mm512_sub_ps(x, whole);
    __m512 y = _mm512_set1_ps(5.5171667e-2f);              // the nearest cubic over |f| <= 1/2
    y = _mm512_fmadd_ps(y, f, _mm512_set1_ps(2.4261054e-1f));
    y = _mm512_fmadd_ps(y, f, _mm512_set1_ps(6.9326098e-1f));
    y = _mm512_fmadd_ps(y, f, _mm512_set1_ps(9.9992807e-1f));
    return _mm512_maskz_scalef_ps(some, y, whole);
}

inline __mmask16 first(int n) { return n >= 16 ? 0xffff : (1u << n) - 1; }            // which of 16 lanes are among n
inline __mmask32 columns(int width) { return width >= W ? ~0u : (1u << width) - 1; }

inline __m512 widen(const bf16 *p, __mmask16 lanes = 0xffff) {                        // 16 numbers
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(lanes, p)), 16));
}

// Two rows of 16 -> 16 pairs, as the right operand of a tile product wants them.
inline __m512i pairs(__m512 even, __m512 odd) {
    const __m512i order = _mm512_or_si512(_mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0),
                                          _mm512_set_epi32(31 << 16, 30 << 16, 29 << 16, 28 << 16, 27 << 16, 26 << 16, 25 << 16, 24 << 16, 23 << 16,
                                                           22 << 16, 21 << 16, 20 << 16, 19 << 16, 18 << 16, 17 << 16, 16 << 16));
    return _mm512_permutexvar_epi16(order, (__m512i)_mm512_cvtne2ps_pbh(odd, even));
}

// src [n, width] -> dst [padded, 32]
void rows_of(const bf16 *src, int64_t stride, int n, int padded, int width, bf16 *dst) {
    const __mmask32 mask = columns(width);
    for (int i = 0; i < n; i++) _mm512_store_si512(dst + i * W, _mm512_maskz_loadu_epi16(mask, src + i * stride));
    std::memset(dst + n * W, 0, size_t(padded - n) * W * sizeof(bf16));
}

const __m512i BY16 = _mm512_mullo_epi32(_mm512_set1_epi32(16), _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0));
const __m512i BY32 = _mm512_add_epi32(BY16, BY16);

// rows [n, 32] -> for each 16 of them [16 pairs of columns][16 rows]
void across(const bf16 *rows, int n, uint32_t *dst) {
    const int *from = reinterpret_cast<const int *>(rows);
    for (int i = 0; i < n; i += 16, from += 256)
        for (int c = 0; c < 16; c++, dst += 16) _mm512_store_si512(dst, _mm512_i32gather_epi32(BY16, from + c, 4));
}

// rows [n, 32] -> [n/2 pairs of rows][32 columns]
void down(const bf16 *rows, int n, uint32_t *dst) {
    for (int i = 0; i < n; i += 2, dst += 32)
        for (int c = 0; c < 32; c += 16) {
            __m512i a = _mm512_cvtepu16_epi32(_mm256_load_si256((const __m256i *)(rows + i * W + c)));
            __m512i b = _mm512_cvtepu16_epi32(_mm256_load_si256((const __m256i *)(rows + (i + 1) * W + c)));
            _mm512_store_si512(dst + c, _mm512_or_si512(a, _mm512_slli_epi32(b, 16)));
        }
}

// What `down` made of [n, 32] -> its transpose [32, n]
void transposed(const uint32_t *pairs, int n, bf16 *dst) {
    uint32_t *to = reinterpret_cast<uint32_t *>(dst);
    for (int c = 0; c < 32; c++)
        for (int i = 0; i < n / 2; i += 16) _mm512_storeu_si512(to + c * (n / 2) + i, _mm512_i32gather_epi32(BY32, (const int *)pairs + i * 32 + c, 4));
}

// Sums [32 columns][16 rows], as often as `blocks` of 16 rows -> dst [n, width]
void write_turned(const float *sums, int n, int width, __m512 factor, bf16 *dst, int64_t stride) {
    const __mmask32 mask = columns(width);
    for (int i = 0; i < n; i++) {
        __m512 a = _mm512_mul_ps(_mm512_i32gather_ps(BY16, sums + i, 4), factor), b = _mm512_mul_ps(_mm512_i32gather_ps(BY16, sums + 256 + i, 4), factor);
        _mm512_mask_storeu_epi16(dst + i * stride, mask, (__m512i)_mm512_cvtne2ps_pbh(b, a));
    }
}

void write(const float *sums, int n, int width, __m512 factor, bf16 *dst, int64_t stride) {
    const __mmask32 mask = columns(width);
    for (int i = 0; i < n; i++) {
        __m512 a = _mm512_mul_ps(_mm512_load_ps(sums + i * W), factor), b = _mm512_mul_ps(_mm512_load_ps(sums + i * W + 16), factor);
        _mm512_mask_storeu_epi16(dst + i * stride, mask, (__m512i)_mm512_cvtne2ps_pbh(b, a));
    }
}

thread_local Buffer scratch[13];

inline int up(int n, int to) { return (n + to - 1) / to * to; }

// Which blocks of 32 keys (rows) and 16 queries a mask [M, N] hides entirely -> [Mp / 32, Np / 16]
uint8_t *hidden_blocks(const bf16 *mask, int M, int N, int Mp, int Np) {
    const int across = Np / 16;
    uint8_t *hidden = scratch[12].take<uint8_t>(size_t(Mp / 32) * across);
    std::memset(hidden, mask != nullptr, size_t(Mp / 32) * across);
    for (int m = 0; mask && m < M; m++)
        for (int n = 0; n < N; n += 16) {
            const __m512 x = widen(mask + size_t(m) * N + n, first(N - n));
            if (_mm512_mask_cmp_ps_mask(first(N - n), x, _mm512_set1_ps(-1000.f), _CMP_GT_OQ)) hidden[(m / 32) * across + n / 16] = 0;
        }
    return hidden;
}

void begin() {
    static const TileConfig config;
    _tile_loadconfig(&config);
}

// One picture with zeros around it, its rows filled up to whole vectors.
struct Padded {
    int h, w, row;
    std::vector<float> numbers;
    void set(const float *p, int height, int width) {
        h = height, w = width, row = up(w, 16) + 16;
        numbers.assign(size_t(h + 2 * R) * row, 0.f);
        for (int y = 0; y < h; y++) std::memcpy(&numbers[size_t(y + R) * row + R], p + size_t(y) * w, w * sizeof(float));
    }
    const float *at(int y) const { return &numbers[size_t(y) * row]; }
};

thread_local Padded picture, gradient;

void correlate(const Padded &p, const float *weight, float bias, float *out) {
    for (int y = 0; y < p.h; y++)
        for (int x = 0; x < p.w; x += 16) {
            __m512 sums[2] = {_mm512_set1_ps(bias), _mm512_setzero_ps()};    // two, so that a product needn't wait for the one before
            for (int i = 0; i < K; i++)
                for (int j = 0; j < K; j++) {
                    __m512 &sum = sums[(i + j) % 2];
                    sum = _mm512_fmadd_ps(_mm512_loadu_ps(p.at(y + i) + x + j), _mm512_set1_ps(weight[i * K + j]), sum);
                }
            _mm512_mask_storeu_ps(out + size_t(y) * p.w + x, first(p.w - x), _mm512_add_ps(sums[0], sums[1]));
        }
}

}  // namespace

extern "C" {

// Asks the system to let this process use tiles.  1: it may.
int permitted() { return syscall(SYS_arch_prctl, 0x1023 /* ARCH_REQ_XCOMP_PERM */, 18 /* tile data */) == 0; }

// shape: B, H, N queries, M keys, D <= 32.  strides: of q, k, v, o, each for b, h, n.  mask: [B, M, N], what to add to the scores,
// or null; below -1000 a key is not seen, and each query must see one.  sums: [B, H, N], the binary logarithm of the softmax's sums.
void attention_forward(const int64_t *shape, const int64_t *strides, bf16 *q_, bf16 *k_, bf16 *v_, bf16 *o_, const bf16 *mask, float *sums) {
    const int B = shape[0], H = shape[1], N = shape[2], M = shape[3], D = shape[4], Np = up(N, 16), Mp = up(M, 32);
    const int64_t *s = strides;
    Tensor q{q_, s[0], s[1], s[2]}, k{k_, s[3], s[4], s[5]}, v{v_, s[6], s[7], s[8]}, o{o_, s[9], s[10], s[11]};
    bf16 *rows = scratch[0].take<bf16>(size_t(up(N > M ? N : M, 32)) * W), *keys = scratch[1].take<bf16>(Mp * W), *values = scratch[2].take<bf16>(Mp * W);
    uint32_t *queries = scratch[3].take<uint32_t>(Np * 16), *paired = scratch[4].take<uint32_t>(Mp * 16), *probs = scratch[5].take<uint32_t>(Mp * 8);
    float *scores = scratch[6].take<float>(Mp * 16), *out = scratch[7].take<float>(512);
    const __m512 scale = _mm512_set1_ps(LOG2E / std::sqrt(float(D))), back = _mm512_set1_ps(std::sqrt(float(D)));
    const uint8_t *hidden = nullptr;
    begin();
    for (int b = 0; b < B; b++) for (int h = 0; h < H; h++) {
        if (h == 0) hidden = hidden_blocks(mask ? mask + size_t(b) * M * N : nullptr, M, N, Mp, Np);
        rows_of(q.at(b, h), q.n, N, Np, D, rows);
        across(rows, Np, queries);
        rows_of(k.at(b, h), k.n, M, Mp, D, keys);
        rows_of(v.at(b, h), v.n, M, Mp, D, rows);
        down(rows, Mp, paired);
        transposed(paired, Mp, values);
        for (int n = 0; n < N; n += 16) {
            const int left = N - n < 16 ? N - n : 16;
            const auto unseen = [&](int m) { return hidden[(m / 32) * (Np / 16) + n / 16]; };
            _tile_loadd(3, queries + n * 16, 64);
            for (int m = 0; m < Mp; m += 16) {
                if (unseen(m)) continue;
                _tile_zero(2);
                _tile_loadd(0, keys + m * W, 64);
                _tile_dpbf16ps(2, 0, 3);
                _tile_stored(2, scores + m * 16, 64);
            }
            for (int m = M; m < Mp; m++) _mm512_store_ps(scores + m * 16, _mm512_set1_ps(-INFINITY));
            if (mask)
                for (int m = 0; m < M; m++) {
                    if (unseen(m)) continue;
                    const __m512 x = widen(mask + (size_t(b) * M + m) * N + n, first(left));
                    _mm512_store_ps(scores + m * 16, _mm512_fmadd_ps(x, back, _mm512_load_ps(scores + m * 16)));
                }
            __m512 top = _mm512_set1_ps(-1e30f), sum = _mm512_setzero_ps(), other = top;
            for (int m = 0; m < Mp; m += 2) {
                if (unseen(m)) continue;
                top = _mm512_max_ps(top, _mm512_load_ps(scores + m * 16));
                other = _mm512_max_ps(other, _mm512_load_ps(scores + m * 16 + 16));
            }
            top = _mm512_mul_ps(_mm512_max_ps(top, other), scale);
            for (int m = 0; m < Mp; m += 2) {
                if (unseen(m)) continue;
                __m512 x = exp2_(_mm512_fmsub_ps(_mm512_load_ps(scores + m * 16), scale, top));
                __m512 y = exp2_(_mm512_fmsub_ps(_mm512_load_ps(scores + m * 16 + 16), scale, top));
                sum = _mm512_add_ps(sum, _mm512_add_ps(x, y));
                _mm512_store_si512(probs + m * 8, pairs(x, y));
            }
            _tile_zero(0);
            _tile_zero(1);
            for (int m = 0; m < Mp; m += 32) {
                if (unseen(m)) continue;
                _tile_loadd(2, probs + m * 8, 64);
                _tile_loadd(3, values + m, Mp * 2);
                _tile_dpbf16ps(0, 3, 2);
                _tile_loadd(4, values + 16 * Mp + m, Mp * 2);
                _tile_dpbf16ps(1, 4, 2);
            }
            _tile_stored(0, out, 64);
            _tile_stored(1, out + 256, 64);
            const __m512 part = _mm512_div_ps(_mm512_set1_ps(1), sum);
            for (int c = 0; c < W; c++) _mm512_store_ps(out + c * 16, _mm512_mul_ps(_mm512_load_ps(out + c * 16), part));
            write_turned(out, left, D, _mm512_set1_ps(1), o.at(b, h) + n * o.n, o.n);
            alignas(64) float tops[16], all[16];
            _mm512_store_ps(tops, top);
            _mm512_store_ps(all, sum);
            for (int i = 0; i < left; i++) sums[(size_t(b) * H + h) * N + n + i] = tops[i] + std::log2(all[i]);
        }
    }
    _tile_release();
}

// strides: of q, k, v, o, the gradient g of o, and the gradients of q, k and v that are written.
void attention_backward(const int64_t *shape, const int64_t *strides, bf16 *q_, bf16 *k_, bf16 *v_, bf16 *o_, bf16 *g_, bf16 *dq_, bf16 *dk_, bf16 *dv_,
                        const bf16 *mask, const float *sums) {
    const int B = shape[0], H = shape[1], N = shape[2], M = shape[3], D = shape[4], Np = up(N, 32), Mp = up(M, 32);
    const int64_t *s = strides;
    Tensor q{q_, s[0], s[1], s[2]}, k{k_, s[3], s[4], s[5]}, v{v_, s[6], s[7], s[8]}, o{o_, s[9], s[10], s[11]}, g{g_, s[12], s[13], s[14]};
    Tensor dq{dq_, s[15], s[16], s[17]}, dk{dk_, s[18], s[19], s[20]}, dv{dv_, s[21], s[22], s[23]};
    bf16 *rows = scratch[0].take<bf16>(Np * W), *keys = scratch[1].take<bf16>(Mp * W), *values = scratch[2].take<bf16>(Mp * W), *turned = scratch[8].take<bf16>(Mp * W);
    uint32_t *query = scratch[3].take<uint32_t>(Np * 64), *query_down = query + Np * 16, *grad = query + Np * 32, *grad_down = query + Np * 48;
    uint32_t *paired = scratch[4].take<uint32_t>(Mp * 16);
    float *to_keys = scratch[9].take<float>(Mp * W * 2), *to_values = to_keys + Mp * W, *lane = scratch[10].take<float>(Np * 2), *delta = lane + Np;
    float *work = scratch[6].take<float>(8 * 256);                       // scores and their gradients: [2 of 16 keys][2 of 16 queries][16][16] each
    bf16 *left_prob = reinterpret_cast<bf16 *>(scratch[11].take<uint32_t>(4 * 512)), *left_score = left_prob + 1024;   // [32 keys][32 queries]
    uint32_t *right_score = reinterpret_cast<uint32_t *>(left_prob) + 1024;                                         // [2 of 16 queries][16 pairs of keys][16]
    const float root = 1 / std::sqrt(float(D));
    const __m512 scale = _mm512_set1_ps(LOG2E * root), log2e = _mm512_set1_ps(LOG2E);
    const uint8_t *hidden = nullptr;
    begin();
    for (int b = 0; b < B; b++) for (int h = 0; h < H; h++) {
        if (h == 0) hidden = hidden_blocks(mask ? mask + size_t(b) * M * N : nullptr, M, N, Mp, Np);
        rows_of(k.at(b, h), k.n, M, Mp, D, keys);
        rows_of(v.at(b, h), v.n, M, Mp, D, values);
        down(keys, Mp, paired);
        transposed(paired, Mp, turned);
        rows_of(q.at(b, h), q.n, N, Np, D, rows);
        across(rows, Np, query);
        down(rows, Np, query_down);
        rows_of(g.at(b, h), g.n, N, Np, D, rows);
        across(rows, Np, grad);
        down(rows, Np, grad_down);
        for (int n = 0; n < Np; n++) {
            if (n >= N) { delta[n] = 0, lane[n] = 0; continue; }
            alignas(64) bf16 row[32];
            _mm512_store_si512(row, _mm512_maskz_loadu_epi16(columns(D), o.at(b, h) + n * o.n));
            __m512 sum = _mm512_mul_ps(widen(row), widen(rows + n * W));
            delta[n] = _mm512_reduce_add_ps(_mm512_fmadd_ps(widen(row + 16), widen(rows + n * W + 16), sum));
            lane[n] = sums[(size_t(b) * H + h) * N + n];
        }
        std::memset(to_keys, 0, size_t(Mp) * W * 2 * sizeof(float));
        for (int n = 0; n < Np; n += 32) {
            _tile_zero(4);
            _tile_zero(5);
            _tile_zero(6);
            _tile_zero(7);
            for (int m = 0; m < Mp; m += 32) {
                const uint8_t *two = hidden + (m / 32) * (Np / 16) + n / 16;
                if (two[0] && two[1]) continue;
                for (int i = 0; i < 2; i++) {
                    _tile_loadd(0, keys + (m + 16 * i) * W, 64);
                    _tile_loadd(1, values + (m + 16 * i) * W, 64);
                    for (int j = 0; j < 2; j++) {
                        _tile_zero(2);
                        _tile_loadd(3, query + (n + 16 * j) * 16, 64);
                        _tile_dpbf16ps(2, 0, 3);
                        _tile_stored(2, work + (2 * i + j) * 256, 64);
                        _tile_zero(2);
                        _tile_loadd(3, grad + (n + 16 * j) * 16, 64);
                        _tile_dpbf16ps(2, 1, 3);
                        _tile_stored(2, work + 1024 + (2 * i + j) * 256, 64);
                    }
                }
                for (int y = 0; y < 32; y += 2) {
                    __m512 p[2][2], ds[2][2];                            // [key][16 queries]
                    for (int e = 0; e < 2; e++) for (int j = 0; j < 2; j++) {
                        const int i = (y + e) / 16, r = (y + e) % 16;
                        __m512 x = _mm512_fmsub_ps(_mm512_load_ps(work + (2 * i + j) * 256 + r * 16), scale, _mm512_load_ps(lane + n + 16 * j));
                        if (mask && m + y + e < M && n + 16 * j < N)
                            x = _mm512_fmadd_ps(widen(mask + (size_t(b) * M + m + y + e) * N + n + 16 * j, first(N - n - 16 * j)), log2e, x);
                        p[e][j] = exp2_(_mm512_min_ps(x, _mm512_set1_ps(1)));  // keys past the last could be anything, and times 0 must be 0
                        ds[e][j] = _mm512_mul_ps(p[e][j], _mm512_sub_ps(_mm512_load_ps(work + 1024 + (2 * i + j) * 256 + r * 16), _mm512_load_ps(delta + n + 16 * j)));
                    }
                    for (int e = 0; e < 2; e++) {
                        _mm512_store_si512(left_prob + (y + e) * 32, (__m512i)_mm512_cvtne2ps_pbh(p[e][1], p[e][0]));
                        _mm512_store_si512(left_score + (y + e) * 32, (__m512i)_mm512_cvtne2ps_pbh(ds[e][1], ds[e][0]));
                    }
                    for (int j = 0; j < 2; j++) _mm512_store_si512(right_score + j * 256 + y * 8, pairs(ds[0][j], ds[1][j]));
                }
                // Keys past the last are zeros, so that they add nothing to the queries' gradient; their own is not written.
                _tile_loadd(0, turned + m, Mp * 2);
                _tile_loadd(1, turned + 16 * Mp + m, Mp * 2);
                _tile_loadd(2, right_score, 64);
                _tile_loadd(3, right_score + 256, 64);
                _tile_dpbf16ps(4, 0, 2);
                _tile_dpbf16ps(5, 1, 2);
                _tile_dpbf16ps(6, 0, 3);
                _tile_dpbf16ps(7, 1, 3);
                for (int i = 0; i < 2; i++) for (int c = 0; c < 32; c += 16) {
                    _tile_loadd(0, to_values + (m + 16 * i) * W + c, 128);
                    _tile_loadd(1, left_prob + 16 * i * 32, 64);
                    _tile_loadd(2, grad_down + n * 16 + c, 128);
                    _tile_dpbf16ps(0, 1, 2);
                    _tile_stored(0, to_values + (m + 16 * i) * W + c, 128);
                    _tile_loadd(0, to_keys + (m + 16 * i) * W + c, 128);
                    _tile_loadd(1, left_score + 16 * i * 32, 64);
                    _tile_loadd(2, query_down + n * 16 + c, 128);
                    _tile_dpbf16ps(0, 1, 2);
                    _tile_stored(0, to_keys + (m + 16 * i) * W + c, 128);
                }
            }
            _tile_stored(4, work, 64);
            _tile_stored(5, work + 256, 64);
            _tile_stored(6, work + 512, 64);
            _tile_stored(7, work + 768, 64);
            for (int j = 0; j < 2; j++) {
                const int left = N - n - 16 * j < 16 ? N - n - 16 * j : 16;
                if (left > 0) write_turned(work + 512 * j, left, D, _mm512_set1_ps(root), dq.at(b, h) + (n + 16 * j) * dq.n, dq.n);
            }
        }
        write(to_keys, M, D, _mm512_set1_ps(root), dk.at(b, h), dk.n);
        write(to_values, M, D, _mm512_set1_ps(1), dv.at(b, h), dv.n);
    }
    _tile_release();
}

// The mask decoder's last convolution, 5 x 5 and one channel to one: x, out and their gradients g, dx are [count, h, w].
void convolution_forward(const float *x, const float *weight, float bias, float *out, int count, int h, int w) {
    for (size_t n = 0, size = size_t(h) * w; n < size_t(count); n++) {
        picture.set(x + n * size, h, w);
        correlate(picture, weight, bias, out + n * size);
    }
}

void convolution_backward(const float *x, const float *weight, const float *g, float *dx, float *dweight, int count, int h, int w) {
    float turned[K * K];
    for (int i = 0; i < K * K; i++) turned[i] = weight[K * K - 1 - i];
    __m512 sums[K][K];
    for (auto &row : sums) for (auto &sum : row) sum = _mm512_setzero_ps();
    for (size_t n = 0, size = size_t(h) * w; n < size_t(count); n++) {
        picture.set(x + n * size, h, w);
        gradient.set(g + n * size, h, w);
        correlate(gradient, turned, 0, dx + n * size);
        for (int y = 0; y < h; y++)
            for (int i = 0; i < K; i++) {
                const float *seen = picture.at(y + i), *grad = gradient.at(y + R) + R;
                __m512 a = sums[i][0], b = sums[i][1], c = sums[i][2], d = sums[i][3], e = sums[i][4];
                for (int x = 0; x < w; x += 16) {                       // past the row's end the gradient is 0
                    const __m512 v = _mm512_loadu_ps(grad + x);
                    a = _mm512_fmadd_ps(v, _mm512_loadu_ps(seen + x), a);
                    b = _mm512_fmadd_ps(v, _mm512_loadu_ps(seen + x + 1), b);
                    c = _mm512_fmadd_ps(v, _mm512_loadu_ps(seen + x + 2), c);
                    d = _mm512_fmadd_ps(v, _mm512_loadu_ps(seen + x + 3), d);
                    e = _mm512_fmadd_ps(v, _mm512_loadu_ps(seen + x + 4), e);
                }
                sums[i][0] = a, sums[i][1] = b, sums[i][2] = c, sums[i][3] = d, sums[i][4] = e;
            }
    }
    for (int i = 0; i < K; i++) for (int j = 0; j < K; j++) dweight[i * K + j] = _mm512_reduce_add_ps(sums[i][j]);
}

}
