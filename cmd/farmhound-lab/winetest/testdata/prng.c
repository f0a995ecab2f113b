/* bcryptprimitives.dll, which Go programs take their random bytes from and Wine 8 does not have. */
#include <windows.h>

BOOLEAN NTAPI SystemFunction036(PVOID, ULONG);

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE into, SIZE_T size)
{
	while (size > 0) {
		ULONG part = size > 0x10000000 ? 0x10000000 : (ULONG)size;
		if (!SystemFunction036(into, part))
			return FALSE;
		into += part;
		size -= part;
	}
	return TRUE;
}
