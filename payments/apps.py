from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    name = "payments"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register checks, the payment port, outbox handlers and periodic tasks."""
        from payments import dead_letters, refunds, tasks
        from payments.gateways import checks

        checks.register_checks()
        tasks.install()
        dead_letters.connect()
        refunds.register_handlers()
