from datetime import timedelta

from django.apps import AppConfig


class BookingConfig(AppConfig):
    name = "booking"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from booking import adoption, locks
        from booking.clients.pace import clear_uses
        from booking.mail import messages
        from booking.outbox import worker
        from booking.outbox.periodic_tasks import register_periodic_task
        from booking.seats import epochs
        from cinema.database.sessions import clear_expired_sessions

        adoption.connect()
        messages.register_handlers()
        register_periodic_task("expire locks", timedelta(milliseconds=500), lambda at: locks.expire_locks(at=at))
        register_periodic_task("begin epochs", timedelta(seconds=5), epochs.begin_epochs_past_history)
        register_periodic_task("measure pending messages", timedelta(seconds=5), worker.measure_pending)
        register_periodic_task("measure dead letters", timedelta(minutes=1), worker.measure_dead)
        # A batch a minute: more than anybody can add, and the loop never waits long for one.
        register_periodic_task("clear expired sessions", timedelta(minutes=1), clear_expired_sessions)
        register_periodic_task("clear uses of paces", timedelta(minutes=1), clear_uses)
