package persona

import farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"

var (
	onWindowsOrMacs  = []farmhoundv1.OperatingSystem{windows, macos}
	onWindows        = []farmhoundv1.OperatingSystem{windows}
	onLinuxOrWindows = []farmhoundv1.OperatingSystem{linux, windows}
)

// reserved are the personas that detection is measured on and that nobody tried weights on:
// the lives and farms that documents name, put together anew from traits, places and ways
// to drive, by people with other hours, homes, lines and companies than the former casting's.
// Whoever changes a weight after a look at their figures has used them up.
var reserved = []persona{
	{"office-worker", Honest, 4, attending(1, 1, anOffice, 0.2, 1, perhaps(0.3, harmless...))},
	{"home-worker", Honest, 5, lived()},
	{"traveller", Honest, 1.5, roams(true, 0.5, privacy(0.1, 0.9), supplied, overlaid)},
	{"supported", Honest, 1.5, livedOn(onWindows, letsIn(callers{from: colleague, sells: business, days: [2]float64{0.1, 0.5}, minutes: [2]float64{3, 90}, times: 2}))},
	{"developer", Honest, 2, lived(titled("Backend Engineer", "Hardware Engineer", "SRE"), watched(true), tinkers)},
	{"night-shift", Honest, 1.5, byNight},
	{"contractor", Honest, 2, declaredAbroad},
	{"couple", Honest, 2, dwelling(2, 2, house, true, perhaps(0.6, harmless...))},
	{"vpn-user", Honest, 1.5, lived(privacy(0.1, 1))},
	{"docked", Honest, 1.5, lived(docking, perhaps(0.5, jiggling, gadgets, privacy(0.05, 1), watched(false)))},
	{"flatmates", Honest, 2, dwelling(2, 5, house, false, perhaps(0.6, harmless...))},
	{"accessibility", Honest, 1, lived(watched(true), assistive(0.4, 0.98), perhaps(0.3, docking, privacy(0.1, 1)))},
	{"unseen", Honest, 1, livedOn(onWindowsOrMacs, watched(false))},
	{"own-desktop", Honest, 1, lived(nearby(0.1, 0.7, "anydesk", "rustdesk", "parsec", "steam-remote-play", "sunshine"))},
	{"virtual-desktop", Honest, 1, hosted},

	{"help-desk-daily", Honest, 1.5, lived(letsIn(callers{from: outsourced, sells: business, days: [2]float64{0.5, 1}, minutes: [2]float64{4, 210}, times: 3}),
		perhaps(0.5, letsIn(callers{tools: []string{"quick-assist", "teamviewer", "goto-resolve", "zoho-assist", "anydesk"}, approved: true, from: colleague, sells: business, days: [2]float64{0.1, 0.6}, minutes: [2]float64{5, 80}, times: 1})))},
	{"executive", Honest, 1, lived(titled("Chief of Staff", "Chief Operating Officer", "President"), letsIn(callers{
		tools: []string{"teamviewer", "anydesk", "chrome-remote-desktop", "helpwire", "jump-desktop"}, from: mostly(0.88, countryman, foreigner), sells: broadband, days: [2]float64{0.2, 0.95}, minutes: [2]float64{3, 70}, times: 2}))},
	{"eye-tracker", Honest, 1, attending(1, 1, crowded(business, 5, 120, 1, 40, 0.5), 0.1, 1, watched(true), assistive(0.7, 1))},
	{"satellite", Honest, 1, lived(afield, perhaps(0.3, privacy(0.2, 1), docking, jiggling))},
	{"kiosk", Honest, 1, shared},
	{"nomad", Honest, 1, roams(false, 0.3, overlaid, jiggling, gadgets)},
	{"desktop-driver", Honest, 1.5, lived(nearby(0.85, 1, "windows-remote-desktop", "nomachine", "tightvnc", "apollo", "tigervnc-x0vncserver", "apple-screen-sharing", "gnome-remote-desktop", "rustdesk", "jump-desktop"))},
	{"co-working", Honest, 2, attending(2, 8, crowded(business, 10, 200, 3, 80, 0.5), 0.2, 1, perhaps(0.3, harmless...))},
	{"campus", Honest, 1, dwelling(2, 5, crowded(business, 40, 250, 10, 90, 0.75), false, titled("Research Assistant", "Working Student"))},
	{"jiggler-owner", Honest, 1, lived(jiggling)},
	{"company-vpn", Honest, 1.5, lived(concentrated)},
	{"carrier-nat", Honest, 2, carried},

	{"offshore-team", Honest, 2, attending(2, 12, branch(true), 0.4, 1, titled("External, Support", "External, Engineer", "External, Analyst"))},
	{"hot-desk", Honest, 1.5, attending(3, 10, branch(false), 0.3, 1)},
	{"managed-wifi", Honest, 1, dwelling(2, 4, crowded(broadband, 20, 180, 5, 60, 0.5), false)},
	{"siblings", Honest, 0.8, meeting(2, 3, broadband, 4, 18, 0)},
	{"conference", Honest, 1, meeting(4, 9, business, 2, 6, 0.4)},
	{"mover", Honest, 0.8, meeting(1, 1, broadband, 60, 61, 0)},
	{"borderer", Honest, 0.6, lived(bordering)},
	{"foreign-exit", Honest, 0.6, lived(exitAbroad)},
	{"offshore-help", Honest, 1, lived(letsIn(callers{from: outsourced, sells: business, days: [2]float64{0.2, 0.8}, minutes: [2]float64{5, 120}, times: 2}))},
	{"consultant", Honest, 0.8, lived(letsIn(callers{
		tools: []string{"teamviewer", "anydesk", "goto-resolve", "zoho-assist", "supremo", "helpwire"}, from: countryman, sells: business, days: [2]float64{0.5, 1}, minutes: [2]float64{20, 300}, times: 2, spell: [2]float64{2, 12}}))},
	{"input-sharer", Honest, 0.6, lived(sharing)},
	{"tester", Honest, 0.6, lived(titled("QA Lead", "Automation Engineer"), pressed(0.25, 0.85))},
	{"pairing", Honest, 0.8, livedOn(onWindowsOrMacs, titled("Engineer", "Designer"), letsIn(callers{
		tools: []string{"zoom", "microsoft-teams", "webex", "tuple"}, from: colleague, sells: broadband, days: [2]float64{0.2, 0.9}, minutes: [2]float64{20, 200}, times: 2, calls: true}))},
	{"switcher", Honest, 0.8, lived(switched)},
	{"from-afar", Honest, 0.6, lived(afar)},
	{"new-laptop", Honest, 1, replaced},
	{"migration", Honest, 0.8, lived(maintained)},
	{"hotspot", Honest, 0.6, telephoned},
	{"two-homes", Honest, 0.8, attending(1, 1, crowded(broadband, 0, 9, 0, 1, 0), 0.2, 0.6, perhaps(0.3, harmless...))},
	{"left-at-office", Honest, 0.8, leftAt(1, 1, anOffice)},
	{"interactive", Honest, 0.6, lived(titled("Teacher", "Trainer", "Radiographer"), touching)},
	{"tailnet-desktop", Honest, 0.6, tailnetDriven},
	{"console-unseen", Honest, 0.6, lived(tinkers, watched(false), perhaps(0.7, gadgets))},
	{"left-at-branch", Honest, 0.6, leftAt(2, 4, branch(false))},

	{"own-console", Neither, 0.5, lived(watched(true), selfDriven(byConsole(asBought, 1, 0.3)))},
	{"own-relay", Neither, 0.5, lived(selfDriven(byTool("anydesk", "rustdesk", "chrome-remote-desktop", "teamviewer")))},
	{"hidden-nomad", Neither, 0.5, roams(false, 1, hidden)},

	{"rmm-farm", Farm, 1.5, farmed(1, 6, false, 0.35, byTool())},
	{"kvm-farm", Farm, 1, farmed(2, 4, false, 0.4, byConsole(oneMake, 0.6, 0.4))},
	{"disguised-kvm", Farm, 1, farmed(1, 4, false, 0.4, byConsole(posing(0), 1, 0.3), byConsole(posing(1), 0.9, 0.3))},
	{"mixed-farm", Farm, 1, farmed(2, 5, false, 0.3, busied(mixed(byTool(), byTool(), byConsole(asBought, 0.8, 0), byConsole(posing(1), 1, 0), byMesh)))},
	{"single-host", Farm, 1, farmed(1, 1, true, 0, byTool("chrome-remote-desktop", "chrome-remote-desktop", "anydesk", "rustdesk", "teamviewer", "todesk", "aspia"))},
	{"overlay-farm", Farm, 1, farmedOn(onLinuxOrWindows, 1, 4, false, 0.3, byMesh)},
	{"displaced", Farm, 1, onward(false, true)},
	{"slow-starter", Farm, 0.8, letOut(byTool("anydesk", "rustdesk", "chrome-remote-desktop", "teamviewer", "jump-desktop", "parsec"), byConsole(asBought, 1, 0.3))},
	{"tool-rotator", Farm, 0.8, farmed(1, 4, false, 0.2, byWeeks)},

	{"rmm-farm-30", Farm, 0.2, farmed(24, 36, false, 0, byTool())},
	{"console-shelf", Farm, 1, farmed(4, 10, false, 0.3, byConsole(asBought, 0.65, 0.3))},
	{"renamed-console", Farm, 1, farmed(1, 3, false, 0.3, byConsole(rebranded, 0.8, 0.4))},
	{"lone-disguise", Farm, 0.8, farmed(1, 1, true, 0, byConsole(posing(0), 1, 0.3))},
	{"turns", Farm, 1, farmed(3, 7, false, 1, byTool())},
	{"console-turns", Farm, 0.8, farmed(2, 6, false, 1, byConsole(posing(0.5), 1, 0.3))},
	{"console-switch", Farm, 0.6, switchedFarm},
	{"shipped-held", Farm, 1, onward(false, false)},
	{"shipped-router", Farm, 0.8, onward(true, false)},
	{"accomplice", Farm, 0.8, stood(byTool("anydesk", "chrome-remote-desktop", "rustdesk", "teamviewer", "parsec", "aspia"), byConsole(asBought, 0.8, 0.3))},
	{"split-exits", Farm, 0.8, exits(farmed(2, 5, false, 0.3, byTool()), false)},
	{"referred", Farm, 0.6, exits(farmed(2, 2, true, 0.3, byTool("anydesk")), true)},
	{"mac-mule", Farm, 0.8, farmedOn([]farmhoundv1.OperatingSystem{macos}, 1, 1, true, 0, byTool("anydesk", "chrome-remote-desktop", "teamviewer", "rustdesk", "jump-desktop"), byConsole(asBought, 0.8, 0.3))},
	{"calls-only", Farm, 0.6, farmedOn(onWindowsOrMacs, 1, 1, true, 0, byCalls)},
	{"ten-minutes", Farm, 0.8, discreet(1, 1, 10, farmed(1, 1, true, 0, byTool()))},
	{"own-router", Farm, 0.8, discreet(2, 4, 0, farmed(1, 1, true, 0, byWeeks))},
	{"careful-tools", Farm, 0.8, discreet(1, 3, 9, farmed(1, 1, true, 0, byWeeks))},
	{"careful-console", Farm, 0.8, discreet(1, 2, 12, farmed(1, 1, true, 0, byConsole(posing(0.3), 1, 0)))},

	{blindRelay, Unseeable, 0, nil}, // of any of the farms above
	{"cloned-console", Unseeable, 0.5, farmed(1, 2, false, 0, cloned)},
	{"front-sixth", Unseeable, 0.5, fronted(0.16, 0.42, farmed(1, 1, true, 0, byTool()))},
}
