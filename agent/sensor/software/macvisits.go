package software

import (
	"strings"

	"github.com/farmhound-security/farmhound/proto/catalog"
	"github.com/farmhound-security/farmhound/proto/fleetkey"
)

// readVisits looks at what TeamViewer has written down since the last scan: for everybody,
// or in the home of whoever was logged on.
func (y *macSystem) readVisits(c *catalog.Catalog, tools map[string]*tool, keys fleetkey.Ring) {
	const tool, file = "teamviewer", "Connections_incoming.txt"
	spec, ok := c.Session(onMac, tool)
	if !ok || tools[tool] == nil {
		return
	}
	for _, folder := range spec.Logs {
		if !strings.HasPrefix(folder, "/Library/") || !strings.HasSuffix(folder, "/") {
			continue
		}
		for _, home := range append([]string{""}, y.inventory.homes()...) {
			y.readVisitLog(home+folder+file, func(v visit) { y.tracker.visited(tool, spec.Kind, v, keys) })
		}
	}
}

// readVisitLog calls found for what was appended to a log. Homes belong to others: what is
// no plain file is not opened.
func (y *macSystem) readVisitLog(name string, found func(visit)) {
	info, err := y.inventory.host.Stat(name)
	if err != nil || !info.Mode().IsRegular() {
		return
	}
	log, err := y.inventory.host.Open(name)
	if err != nil {
		return
	}
	defer log.Close()
	for _, v := range parseVisits(y.logs.appended(name, log)) {
		found(v)
	}
}
