"""libsrtp behind a pipe: one line in, one line out.

    new PROFILE KEY      keys for both directions: the master key and salt, in hexadecimal digits
    protect PACKET       also protect_rtcp, unprotect, unprotect_rtcp

A line out is a packet in hexadecimal digits, "ok", or "error NUMBER".
"""
import ctypes
import sys

lib = ctypes.CDLL("libsrtp2.so.1")


class CryptoPolicy(ctypes.Structure):
    _fields_ = [(name, ctypes.c_int32) for name in
                ("cipher_type", "cipher_key_len", "auth_type", "auth_key_len", "auth_tag_len", "sec_serv")]


class Policy(ctypes.Structure):
    _fields_ = [
        ("ssrc_type", ctypes.c_int32), ("ssrc_value", ctypes.c_uint32),
        ("rtp", CryptoPolicy), ("rtcp", CryptoPolicy),
        ("key", ctypes.c_char_p), ("keys", ctypes.c_void_p), ("num_master_keys", ctypes.c_ulong),
        ("deprecated_ekt", ctypes.c_void_p), ("window_size", ctypes.c_ulong), ("allow_repeat_tx", ctypes.c_int),
        ("enc_xtn_hdr", ctypes.c_void_p), ("enc_xtn_hdr_count", ctypes.c_int), ("next", ctypes.c_void_p),
    ]


ANY_INBOUND, ANY_OUTBOUND = 2, 3

SETTERS = {
    "SRTP_AES128_CM_HMAC_SHA1_80": ("rtp_default", "rtp_default"),
    "SRTP_AES128_CM_HMAC_SHA1_32": ("aes_cm_128_hmac_sha1_32", "rtp_default"),
    "SRTP_AEAD_AES_128_GCM": ("aes_gcm_128_16_auth", "aes_gcm_128_16_auth"),
    "SRTP_AEAD_AES_256_GCM": ("aes_gcm_256_16_auth", "aes_gcm_256_16_auth"),
}


def session(profile, key, direction):
    policy = Policy()
    for part, name in zip((policy.rtp, policy.rtcp), SETTERS[profile]):
        getattr(lib, "srtp_crypto_policy_set_" + name)(ctypes.byref(part))
    policy.ssrc_type, policy.key, policy.window_size = direction, key, 128
    handle = ctypes.c_void_p()
    status = lib.srtp_create(ctypes.byref(handle), ctypes.byref(policy))
    if status:
        raise SystemExit(f"srtp_create: {status}")
    return handle


def run(function, handle, packet):
    buffer = ctypes.create_string_buffer(packet, len(packet) + 200)
    length = ctypes.c_int(len(packet))
    status = getattr(lib, "srtp_" + function)(handle, buffer, ctypes.byref(length))
    return f"error {status}" if status else buffer.raw[: length.value].hex()


lib.srtp_init()
sender = receiver = None
for line in sys.stdin:
    command, *arguments = line.split()
    if command == "new":
        key = bytes.fromhex(arguments[1])
        sender, receiver = (session(arguments[0], key, d) for d in (ANY_OUTBOUND, ANY_INBOUND))
        answer = "ok"
    else:
        handle = receiver if command.startswith("un") else sender
        answer = run(command, handle, bytes.fromhex(arguments[0]))
    print(answer, flush=True)
