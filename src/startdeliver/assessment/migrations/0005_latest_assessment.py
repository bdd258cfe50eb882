from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("assessment", "0004_remove_assessmentstate_looked_at_and_more")]

    operations = [
        # The table keeps its name, so that nothing of the database changes.
        migrations.AlterModelTable("current", "assessment_current"),
        migrations.RenameModel("Current", "LatestAssessment"),
    ]
