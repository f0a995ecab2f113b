// Package egress is what laptop and collector say to each other beside RFC 8489
// when a laptop asks under which address it is seen. It imports nothing.
//
// A request is a STUN Binding request with the attribute Token; one without a
// valid token is not answered. The answer is a Binding success response with
// XOR-MAPPED-ADDRESS and the attribute Seal.
package egress

// Attributes of the comprehension-optional range (RFC 8489, section 18.3), among
// those that IANA leaves to designated experts and has not assigned.
const (
	// AttributeToken carries what the last acknowledgement gave the laptop to show.
	AttributeToken = 0xFA71
	// AttributeSeal carries the answer as only a collector can read or make it.
	AttributeSeal = 0xFA72
)

// Sizes in bytes; the schema has the same.
const (
	TokenSize = 32
	SealSize  = 49
)

// DefaultPort is where STUN is spoken, over UDP and TCP.
const DefaultPort = 3478
