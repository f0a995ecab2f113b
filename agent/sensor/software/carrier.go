package software

import farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"

// reversible are the servers that dial out only to a viewer that waits to control
// (x11vnc -connect, vncconfig -connect), and to the display that they share.
var reversible = [...]string{"x11vnc", "tigervnc-x0vncserver", "tigervnc-xvnc", "tightvnc", "wayvnc", "realvnc-server"}

// isCarrier reports whether tools of a category carry the sessions of other tools.
func isCarrier(c farmhoundv1.Category) bool {
	return c == farmhoundv1.Category_CATEGORY_TUNNEL || c == farmhoundv1.Category_CATEGORY_OVERLAY_NETWORK ||
		c == farmhoundv1.Category_CATEGORY_RMM
}
