// Package persona draws a fleet of laptops with the people and operators behind
// them, and lets it live: hour by hour it yields the reports that their agents
// would send. Everything comes from one seed, so that the same options give the
// same bytes wherever and however often the world is run.
//
// Each persona's behaviour rests on the public sources that are named beside it,
// by the keys below; its figures are drawn anew for every seed.
//
//	ADV22  State, Treasury and FBI advisory on IT workers, 16 May 2022
//	AMZ    Bloomberg on a contractor's keystroke delay, 17 December 2025
//	ANYR   honeypot of BCA, NorthScan and ANY.RUN, 2 December 2025
//	BALL   "Ballena Azul" honeypot, 28 August 2026
//	CHAP   United States v. Chapman, sentenced 24 July 2025
//	CHEL   chelmzy.tech on disguised IP-KVMs
//	GTIG25 Google's threat intelligence group on such workers in Europe, 1 April 2025
//	KB4    KnowBe4's account of its hire, July 2024
//	KNOOT  United States v. Knoot, August 2024
//	KVMSRC published firmware of PiKVM, JetKVM, NanoKVM, TinyPilot, BliKVM, GLKVM
//	MAN24  Mandiant, "Staying a Step Ahead", 23 September 2024
//	MANPOD Mandiant's podcast, 19 May 2025
//	PSA24  FBI public service announcement, May 2024
//	RC25   Red Canary's threat detection report 2025
//	REC29  The Record on 29 searched farms, 30 June 2025
//	SYG    Sygnia's case of control over calls, April 2025
//	TRK    trackr.live on detecting such workers, 20 May 2026
//	U42    Unit 42, 13 November 2024
//	VONG   United States v. Vong, sentenced 4 December 2025
//
// No label reaches a report or the roster: what a laptop is can only be read from
// Laptop. The package may import proto/ and, for the identity of devices,
// agent/identity.
package persona
