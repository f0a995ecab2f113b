package persona

// Kinds of laptops that count neither as found nor as wronged.
const (
	// Neither is honest or not only by what nobody can observe: an over-employed
	// person's own console looks like an operator's.
	Neither = "neither"
	// Unseeable is farmed in a way that no endpoint can see.
	Unseeable = "unseeable"
)

// reserved are the personas that detection is measured on: those of the everyday
// casting, drawn from the outer parts of their ranges, and others that nobody tried
// weights on, with ranges of their own. People go about as many as in a fleet of
// which a third is farmed.
var reserved = []persona{
	{"office-worker", Honest, 3, officeWorker},
	{"home-worker", Honest, 4, homeWorker},
	{"traveller", Honest, 1.5, traveller},
	{"supported", Honest, 2, supported},
	{"developer", Honest, 2, developer},
	{"night-shift", Honest, 1.5, nightShift},
	{"contractor", Honest, 2, contractor},
	{"couple", Honest, 1.5, couple},
	{"vpn-user", Honest, 1.5, vpnUser},
	{"docked", Honest, 1.5, docked},
	{"flatmates", Honest, 1.5, flatmates},
	{"accessibility", Honest, 1, accessibility},
	{"unseen", Honest, 1, unseen},
	{"own-desktop", Honest, 1, ownDesktop},
	{"virtual-desktop", Honest, 1, virtualDesktop},

	{"help-desk-daily", Honest, 1, helpDeskDaily},
	{"executive", Honest, 1, executive},
	{"eye-tracker", Honest, 1, eyeTracker},
	{"cloud-desktop", Honest, 1, cloudDesktop},
	{"satellite", Honest, 1, satellite},
	{"kiosk", Honest, 0.8, kiosk},
	{"nomad", Honest, 1, nomad},
	{"desktop-driver", Honest, 1, desktopDriver},
	{"co-working", Honest, 2, coWorking},
	{"campus", Honest, 1, campus},
	{"jiggler-owner", Honest, 1, jigglerOwner},
	{"company-vpn", Honest, 1.5, companyVPN},
	{"carrier-nat", Honest, 2, carrierNAT},

	{"offshore-team", Honest, 1.5, offshoreTeam},
	{"hot-desk", Honest, 1.5, hotDesk},
	{"managed-wifi", Honest, 1, managedWiFi},
	{"siblings", Honest, 0.8, siblings},
	{"conference", Honest, 1, conference},
	{"mover", Honest, 0.8, mover},
	{"borderer", Honest, 0.6, borderer},
	{"foreign-exit", Honest, 0.6, foreignExit},
	{"offshore-help", Honest, 1, offshoreHelp},
	{"consultant", Honest, 0.8, consultant},
	{"console-maker", Honest, 0.8, consoleMaker},
	{"input-sharer", Honest, 0.6, inputSharer},
	{"tester", Honest, 0.6, tester},
	{"pairing", Honest, 0.8, pairing},
	{"switcher", Honest, 0.8, switcher},
	{"from-afar", Honest, 0.6, fromAfar},
	{"left-at-office", Honest, 0.8, leftAtOffice},
	{"interactive", Honest, 0.6, interactive},
	{"tailnet-desktop", Honest, 0.6, tailnetDesktop},
	{"console-unseen", Honest, 0.6, consoleUnseen},
	{"left-at-branch", Honest, 0.6, leftAtBranch},

	{"own-console", Neither, 0.5, ownConsole},
	{"own-relay", Neither, 0.5, ownRelay},

	{"rmm-farm", Farm, 1.5, rmmFarm},
	{"kvm-farm", Farm, 1, kvmFarm},
	{"disguised-kvm", Farm, 1, disguisedKvm},
	{"mixed-farm", Farm, 1, mixedFarm},
	{"single-host", Farm, 1, singleHost},
	{"overlay-farm", Farm, 1, overlayFarm},
	{"displaced", Farm, 1, displaced},
	{"slow-starter", Farm, 0.8, slowStarter},
	{"tool-rotator", Farm, 0.8, rotator},

	{"rmm-farm-30", Farm, 0.2, rmmFarm30},
	{"console-shelf", Farm, 1, consoleShelf},
	{"renamed-console", Farm, 1, renamedConsole},
	{"lone-disguise", Farm, 0.8, loneDisguise},
	{"turns", Farm, 1, inTurns},
	{"shipped-held", Farm, 1, shippedHeld},
	{"shipped-router", Farm, 0.8, shippedRouter},
	{"ten-minutes", Farm, 0.8, tenMinutes},
	{"own-router", Farm, 0.8, ownRouters},
	{"careful-console", Farm, 0.8, carefulConsole},
	{"accomplice", Farm, 0.8, accomplice},
	{"console-turns", Farm, 0.8, consoleTurns},

	{blindRelay, Unseeable, 0, nil}, // of any of the farms above
	{"cloned-console", Unseeable, 0.5, clonedConsole},
	{"front-sixth", Unseeable, 0.5, frontSixth},
}
