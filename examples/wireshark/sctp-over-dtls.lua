-- Shows the SCTP packets of data channels (RFC 8261) inside decrypted DTLS.
-- Wireshark decrypts the records of a capture that carries its secrets, but
-- does not look for SCTP in them by itself.
--
--   tshark -X lua_script:examples/wireshark/sctp-over-dtls.lua -r run.pcapng
--   tshark -X lua_script:… -o tls.keylog_file:run.keys -r any.pcap

local webrtc = Proto("webrtc_sctp", "SCTP over DTLS")
local sctp = Dissector.get("sctp")

webrtc:register_heuristic("dtls", function(payload, info, tree)
  -- The common header, both ports of which WebRTC gives out from 5000 on.
  if payload:len() < 12 or payload(0, 2):uint() < 5000 or payload(2, 2):uint() < 5000 then
    return false
  end
  sctp:call(payload, info, tree)
  return true
end)
