from django.apps import AppConfig


class RealtimeConfig(AppConfig):
    name = "realtime"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from booking.signals import seats_changed
        from realtime import process

        seats_changed.connect(process.publish, dispatch_uid="live map", weak=False)
