// Package api is the collector's face: the gRPC services, and authentication at
// the door. Devices come with certificates, analysts with bearer tokens, and one
// port serves both.
//
// It may import proto/ and, of the collector, fleet, store and the rooms whose
// words it speaks (alert); it judges nothing.
package api
