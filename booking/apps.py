from django.apps import AppConfig


class BookingConfig(AppConfig):
    name = "booking"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from booking import adoption
        from booking.mail import messages

        adoption.connect()
        messages.register_handlers()
