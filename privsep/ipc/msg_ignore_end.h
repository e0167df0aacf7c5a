/* Ends msg_ignore.h. */
#undef F_U8
#undef F_U16
#undef F_U32
#undef F_U64
#undef F_FIX
#undef F_BYTES
#undef F_STR
#undef F_SECRET
#undef F_ADDRS
#undef F_TS
#undef F_ADDR
