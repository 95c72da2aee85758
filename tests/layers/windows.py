"""Layers of images a second time, in NumPy: one window, one output pixel after another.

Images are (N, H, W, C), channels last; sequences are images of one row. `padding` is a number,
(rows, columns), ((top, bottom), (left, right)), "valid" or "same", as users write it.
"""

from __future__ import annotations

from math import ceil

import numpy as np


def two(value):
    return (value, value) if isinstance(value, int) else tuple(value)


def frame(image, span, stride, padding):
    """((top, bottom), (left, right)) of what a user writes; the odd pixel of "same" at the end."""
    if padding == "valid":
        return (0, 0), (0, 0)
    if padding == "same":
        missing = [
            max(0, (ceil(n / s) - 1) * s + k - n)
            for n, k, s in zip(image, span, stride, strict=True)
        ]
        return tuple((m // 2, ceil(m / 2)) for m in missing)
    return tuple(two(n) for n in two(padding))


def places(whole, span, stride):
    """Where windows begin, in a padded image."""
    return [
        (i, j, i * stride[0], j * stride[1])
        for i in range((whole[0] - span[0]) // stride[0] + 1)
        for j in range((whole[1] - span[1]) // stride[1] + 1)
    ]


def laid(x, kernel, stride, padding, dilation=1, fill=0.0):
    """The windows on x: (i, j, pixels (N, KH, KW, C)) for each output pixel."""
    kernel, stride, dilation = two(kernel), two(stride), two(dilation)
    span = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    border = frame(x.shape[1:3], span, stride, padding)
    whole = np.pad(x, ((0, 0), *border, (0, 0)), constant_values=fill)
    return [
        (i, j, whole[:, a : a + span[0] : dilation[0], b : b + span[1] : dilation[1]])
        for i, j, a, b in places(whole.shape[1:3], span, stride)
    ]


def image_of(pixels):
    """(N, HO, WO, F) of (i, j, (N, F))."""
    rows, columns = (1 + max(pixel[k] for pixel in pixels) for k in (0, 1))
    y = np.zeros((len(pixels[0][2]), rows, columns, pixels[0][2].shape[1]))
    for i, j, values in pixels:
        y[:, i, j] = values
    return y


def convolve(x, w, stride=1, padding="valid", dilation=1, groups=1):
    """y[n, i, j, f] = the sum of products of a window and the filter f, of f's group alone."""
    filters, seen = w.shape[3] // groups, w.shape[2]

    def filtered(pixels):
        parts = [
            np.einsum(
                "nabc,abcf->nf",
                pixels[..., g * seen : (g + 1) * seen],
                w[..., g * filters : (g + 1) * filters],
            )
            for g in range(groups)
        ]
        return np.concatenate(parts, axis=1)

    windows = laid(x, w.shape[:2], stride, padding, dilation)
    return image_of([(i, j, filtered(pixels)) for i, j, pixels in windows])


def transposed(x, w, stride=1, padding="valid", dilation=1, groups=1, extra=0):
    """Each pixel of x stamps its kernels on a large image, from which the padding is cut."""
    n, height, width, channels = x.shape
    made, stride, dilation, extra = w.shape[2], two(stride), two(dilation), two(extra)
    span = [(k - 1) * d + 1 for k, d in zip(w.shape[:2], dilation, strict=True)]
    large = [
        (m - 1) * s + k + e for m, s, k, e in zip((height, width), stride, span, extra, strict=True)
    ]
    if padding == "same":
        size = height * stride[0], width * stride[1]
        large = [max(a, b) for a, b in zip(large, size, strict=True)]
        top, left = (a for a, _ in frame(size, span, stride, "same"))
    else:
        (top, bottom), (left, right) = frame((), span, stride, padding)
        size = large[0] - top - bottom, large[1] - left - right
    y = np.zeros((n, *large, made * groups))
    for i, j, c in np.ndindex(height, width, channels):
        first = c // (channels // groups) * made
        for a, b in np.ndindex(*w.shape[:2]):
            at = i * stride[0] + a * dilation[0], j * stride[1] + b * dilation[1]
            y[:, *at, first : first + made] += x[:, i, j, c, None] * w[a, b, :, c]
    return y[:, top : top + size[0], left : left + size[1]]


def max_pool(x, size, stride=None, padding="valid"):
    windows = laid(x, size, stride or size, padding, fill=-np.inf)
    return image_of([(i, j, pixels.max(axis=(1, 2))) for i, j, pixels in windows])


def average_pool(x, size, stride=None, padding="valid"):
    windows = laid(x, size, stride or size, padding, fill=np.nan)
    return image_of([(i, j, np.nanmean(pixels, axis=(1, 2))) for i, j, pixels in windows])


def in_a_row(function, x, *others, padding="valid", **told):
    """A function of images, for sequences and kernels (K, C, F)."""
    border = padding if isinstance(padding, str) else ((0, 0), two(padding))
    told = {name: (1, value) for name, value in told.items() if name != "groups"} | {
        name: value for name, value in told.items() if name == "groups"
    }
    return function(x[:, None], *(w[None] for w in others), padding=border, **told)[:, 0]


def bilinear(x, factor):
    """By np.interp along each line, first down and then across."""

    def along(axis, factor):
        n = x.shape[axis]
        at = (np.arange(n * factor) + 0.5) / factor - 0.5
        return lambda line: np.interp(at, np.arange(n), line)

    down, across = two(factor)
    lines = along(1, down), along(2, across)
    n, height, width, channels = x.shape
    y = np.zeros((n, height * down, width, channels))
    for k, j, c in np.ndindex(n, width, channels):
        y[k, :, j, c] = lines[0](x[k, :, j, c])
    z = np.zeros((n, height * down, width * across, channels))
    for k, i, c in np.ndindex(n, height * down, channels):
        z[k, i, :, c] = lines[1](y[k, i, :, c])
    return z


def local_response_norm(x, size, alpha, beta, k):
    y = np.zeros_like(x)
    channels = x.shape[-1]
    for c in range(channels):
        first = c - size // 2
        near = [d for d in range(first, first + size) if 0 <= d < channels]
        y[..., c] = x[..., c] / (k + alpha / size * sum(x[..., d] ** 2 for d in near)) ** beta
    return y


def group_norm(x, groups, scale, bias):
    y = np.zeros_like(x)
    n = x.shape[-1] // groups
    for row in range(len(x)):
        for g in range(groups):
            part = x[row, ..., g * n : (g + 1) * n]
            normal = (part - part.mean()) / (part.var() + 1e-5) ** 0.5
            y[row, ..., g * n : (g + 1) * n] = normal
    return y * scale + bias
