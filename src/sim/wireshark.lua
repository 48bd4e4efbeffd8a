-- Tells Wireshark that there is SCTP inside of DTLS, as in WebRTC.
--
--   tshark -X lua_script:wireshark.lua -r capture.pcapng
--
-- In the graphical program, put this file into the folder of personal plugins.
DissectorTable.get("dtls.port"):add("1-65535", Dissector.get("sctp"))
