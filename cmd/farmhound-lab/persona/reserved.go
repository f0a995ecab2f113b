package persona

// reserved are the personas that detection is measured on.
var reserved = []persona{
	{"office-worker", Honest, 6, officeWorker},
	{"rmm-farm", Farm, 4.5, rmmFarm},
}
