#ifndef GH_CONF_CONF_ENUM_H
#define GH_CONF_CONF_ENUM_H

/* The values of the small numbers in CONF_* messages that more than one
 * process reads. */

/* What the kernel offers to the data plane; bits of CONF_ESP.offload. */
enum conf_offload {
	OFF_VNET = 1,     /* the TUN speaks virtio_net_hdr, checksums too */
	OFF_TSO = 2,      /* TCP super packets, both families */
	OFF_USO = 4,      /* UDP super packets, both families */
	OFF_UDP_GSO = 8,  /* UDP_SEGMENT on the outside */
	OFF_UDP_GRO = 16, /* UDP_GRO on the outside */
	OFF_ALL = 31
};
/* The outer IPv4 header's DF bit. */
enum conf_df { DF_COPY, DF_CLEAR, DF_SET };
enum conf_aead { AEADC_AUTO, AEADC_OPENSSL, AEADC_IPSECMB };
/* Who goes when a user has too many sessions. */
enum conf_evict { EVICT_REJECT, EVICT_OLDEST, EVICT_IDLE };
/* When revocation is checked, and what an unknown state means. ifuri: refused
 * when the certificate names where to ask and nobody answers. */
enum conf_revocation { REVOCATION_STRICT, REVOCATION_IFURI,
	REVOCATION_RELAXED };
/* The extended key usage that a client's certificate must have. */
enum conf_eku { EKU_ANY, EKU_CLIENT, EKU_IKE };

#endif
