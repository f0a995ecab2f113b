/* What Windows' configuration manager does when it is asked to tell of devices, and Wine's
   does not: a filter is checked by the layout that the headers give it, and devices of its
   class come and go until that is unregistered. */
#define INITGUID
#include <windows.h>
#include <cfgmgr32.h>
#include <hidclass.h>
#include <usbiodef.h>

/* Of ntddvdeo.h, which has it in newer versions only. */
DEFINE_GUID(GUID_DEVINTERFACE_MONITOR, 0xe6f07b5f, 0xee97, 0x4a90, 0xb0, 0x76, 0x33, 0xf5, 0x7b, 0xf4, 0xea, 0xa7);

struct registration {
	CM_NOTIFY_FILTER filter;
	PVOID context;
	PCM_NOTIFY_CALLBACK callback;
	HANDLE end, thread;
};

static volatile LONG registered, told, wrong;

static BOOL known(const GUID *class)
{
	return IsEqualGUID(class, &GUID_DEVINTERFACE_HID) || IsEqualGUID(class, &GUID_DEVINTERFACE_USB_DEVICE) ||
		IsEqualGUID(class, &GUID_DEVINTERFACE_MONITOR);
}

static DWORD WINAPI plug(LPVOID argument)
{
	struct registration *r = argument;
	union {
		CM_NOTIFY_EVENT_DATA event;
		BYTE room[sizeof(CM_NOTIFY_EVENT_DATA) + 64];
	} data = { .event = { .FilterType = CM_NOTIFY_FILTER_TYPE_DEVICEINTERFACE } };
	CM_NOTIFY_ACTION action = CM_NOTIFY_ACTION_DEVICEINTERFACEARRIVAL;

	data.event.u.DeviceInterface.ClassGuid = r->filter.u.DeviceInterface.ClassGuid;
	lstrcpyW(data.event.u.DeviceInterface.SymbolicLink, L"\\\\?\\HID#example");
	while (WaitForSingleObject(r->end, 20) == WAIT_TIMEOUT) {
		if (r->callback((HCMNOTIFICATION)r, r->context, action, &data.event, sizeof(data)) != ERROR_SUCCESS)
			InterlockedIncrement(&wrong);
		InterlockedIncrement(&told);
		action = action == CM_NOTIFY_ACTION_DEVICEINTERFACEARRIVAL ? CM_NOTIFY_ACTION_DEVICEINTERFACEREMOVAL : CM_NOTIFY_ACTION_DEVICEINTERFACEARRIVAL;
	}
	return 0;
}

__declspec(dllexport) CONFIGRET WINAPI CM_Register_Notification(PCM_NOTIFY_FILTER filter, PVOID context, PCM_NOTIFY_CALLBACK callback, PHCMNOTIFICATION handle)
{
	struct registration *r;

	if (!filter || !callback || !handle || filter->cbSize != sizeof(*filter) || filter->Flags || filter->Reserved ||
	    filter->FilterType != CM_NOTIFY_FILTER_TYPE_DEVICEINTERFACE || !known(&filter->u.DeviceInterface.ClassGuid))
		return CR_INVALID_DATA;
	r = HeapAlloc(GetProcessHeap(), HEAP_ZERO_MEMORY, sizeof(*r));
	if (!r)
		return CR_OUT_OF_MEMORY;
	r->filter = *filter;
	r->context = context;
	r->callback = callback;
	r->end = CreateEventW(NULL, TRUE, FALSE, NULL);
	r->thread = CreateThread(NULL, 0, plug, r, 0, NULL);
	InterlockedIncrement(&registered);
	*handle = (HCMNOTIFICATION)r;
	return CR_SUCCESS;
}

__declspec(dllexport) CONFIGRET WINAPI CM_Unregister_Notification(HCMNOTIFICATION handle)
{
	struct registration *r = (struct registration *)handle;

	if (!r)
		return CR_INVALID_DATA;
	SetEvent(r->end);
	WaitForSingleObject(r->thread, INFINITE);
	CloseHandle(r->thread);
	CloseHandle(r->end);
	HeapFree(GetProcessHeap(), 0, r);
	InterlockedDecrement(&registered);
	return CR_SUCCESS;
}

/* How many registrations there are, how often somebody was told, and how often that failed. */
__declspec(dllexport) LONG WINAPI Registered(void) { return registered; }
__declspec(dllexport) LONG WINAPI Told(void) { return told; }
__declspec(dllexport) LONG WINAPI Wrong(void) { return wrong; }
